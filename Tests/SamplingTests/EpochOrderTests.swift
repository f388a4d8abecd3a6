import Sampling
import Testing

/// One of each kind.
let shuffles: [Shuffle] = [.global, .local, .partial(0.1), .partial(1)]

@Suite struct EpochOrderTests {
  /// Sizes that divide and that do not, more ranks than songs, batches larger than the set, no song at all.
  private static let sizes: [(songs: Int, batch: Int, ranks: Int)] = {
    var sizes: [(Int, Int, Int)] = []
    for songs in [0, 1, 2, 5, 12, 37, 100, 257] {
      for batch in [1, 3, 12, 32, 300] {
        for ranks in [1, 2, 3, 4, 7, 8, 64] { sizes.append((songs, batch, ranks)) }
      }
    }
    return sizes
  }()

  @Test(arguments: shuffles)
  func everySongIsSeenExactlyOnceAnEpoch(shuffle: Shuffle) {
    for (songs, batch, ranks) in Self.sizes {
      let order = EpochOrder(seed: 9, epoch: 2, count: songs, shuffle: shuffle, ranks: ranks)
      var seen: [Int] = []
      for range in GlobalBatches(count: songs, batchSize: batch) {
        for rank in 0..<ranks { seen += order.songs(in: range, of: rank) }
      }
      #expect(seen.sorted() == Array(0..<songs), "\(songs) songs, batch \(batch), \(ranks) ranks")
    }
  }

  @Test(arguments: shuffles)
  func sharesOfEveryBatchAreNearEqualAndFitTheReplica(shuffle: Shuffle) {
    for (songs, batch, ranks) in Self.sizes {
      let order = EpochOrder(seed: 1, epoch: 1, count: songs, shuffle: shuffle, ranks: ranks)
      for range in GlobalBatches(count: songs, batchSize: batch) {
        let counts = (0..<ranks).map { order.songs(in: range, of: $0).count }
        #expect(counts.reduce(0, +) == range.count)
        #expect(counts.max()! - counts.min()! <= 1, "\(songs) songs, batch \(batch), \(ranks) ranks")
        #expect(counts.max()! <= largestShare(ofBatch: batch, size: ranks))
      }
    }
  }

  @Test func globalBatchesDoNotDependOnTheWorldSize() {
    for (songs, batch, ranks) in Self.sizes {
      let alone = EpochOrder(seed: 5, epoch: 3, count: songs)
      let many = EpochOrder(seed: 5, epoch: 3, count: songs, shuffle: .global, ranks: ranks)
      for range in GlobalBatches(count: songs, batchSize: batch) {
        let joined = (0..<ranks).flatMap { many.songs(in: range, of: $0) }
        #expect(joined == alone.songs(in: range, of: 0), "\(songs) songs, batch \(batch), \(ranks) ranks")
      }
    }
  }

  @Test func localShuffleKeepsEachRankToItsShard() {
    for (songs, batch, ranks) in Self.sizes {
      let order = EpochOrder(seed: 5, epoch: 3, count: songs, shuffle: .local, ranks: ranks)
      for rank in 0..<ranks {
        let shard = share(of: 0..<songs, rank: rank, size: ranks)
        let seen = GlobalBatches(count: songs, batchSize: batch).flatMap { order.songs(in: $0, of: rank) }
        #expect(seen.sorted() == Array(shard), "\(songs) songs, batch \(batch), rank \(rank) of \(ranks)")
      }
    }
  }

  @Test func partialShuffleExchangesItsShareOfEveryShard() {
    for (songs, ranks) in [(100, 3), (41, 4), (5, 2), (3, 5), (10, 1)] {
      for share in [0.1, 0.5, 1] {
        var before = Shards(seed: 5, epoch: 1, count: songs, .partial(share), ranks: ranks)
        #expect(before == Shards(seed: 5, epoch: 7, count: songs, .local, ranks: ranks))
        for epoch in 2...6 {
          let shards = Shards(seed: 5, epoch: epoch, count: songs, .partial(share), ranks: ranks)
          #expect(shards.ofRank.flatMap { $0 }.sorted() == Array(0..<songs))
          for (was, now) in zip(before.ofRank, shards.ofRank) {
            #expect(was.count == now.count)
            let moved = Set(now).subtracting(was).count
            #expect(moved <= Int((share * Double(was.count)).rounded()))
          }
          if songs == 100, ranks == 3 { #expect(shards != before) }
          before = shards
        }
        let order = EpochOrder(seed: 5, epoch: 6, count: songs, shuffle: .partial(share), ranks: ranks)
        for rank in 0..<ranks {
          let seen = GlobalBatches(count: songs, batchSize: 8).flatMap { order.songs(in: $0, of: rank) }
          #expect(seen.sorted() == before.ofRank[rank].sorted())
        }
      }
    }
  }

  @Test func shufflesAreWrittenAsTheyAreRead() {
    for shuffle in shuffles { #expect(Shuffle(shuffle.description) == shuffle) }
    for text in ["", "partial", "partial:", "partial:0", "partial:1.5", "partial:nan", "Global"] {
      #expect(Shuffle(text) == nil)
    }
  }

  @Test(arguments: shuffles)
  func ordersDifferBetweenEpochsAndSeedsAndAreRepeatable(shuffle: Shuffle) {
    func order(_ seed: UInt64, _ epoch: Int) -> [Int] {
      EpochOrder(seed: seed, epoch: epoch, count: 100, shuffle: shuffle, ranks: 3).songs
    }
    #expect(order(1, 1) == order(1, 1))
    #expect(order(1, 1) != order(1, 2))
    #expect(order(1, 1) != order(2, 1))
    #expect(order(1, 1) != Array(0..<100))
  }

  /// Orders are part of reproducibility: a change here makes old runs unrepeatable.
  @Test func theOrderOfASeedNeverChanges() {
    #expect(EpochOrder(seed: 1, epoch: 1, count: 10).songs == [0, 7, 4, 8, 9, 2, 5, 1, 3, 6])
    #expect(
      EpochOrder(seed: 1, epoch: 1, count: 10, shuffle: .local, ranks: 3).songs == [3, 4, 7, 2, 5, 8, 0, 6, 9, 1])
  }
}
