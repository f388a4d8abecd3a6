import RandomNumbers
import Sampling
import Testing

/// Orders and shares of songs of unlike lengths.
@Suite struct LengthTests {
  private func lengths(_ count: Int) -> [Int] {
    var stream = RandomStream(seed: 4, purpose: .test, first: UInt32(count))
    return (0..<count).map { _ in 12 + stream.index(below: 2000) }
  }

  @Test(arguments: shuffles) func everySongIsSeenExactlyOnceAnEpoch(shuffle: Shuffle) {
    for count in [0, 1, 5, 37, 257] {
      for batch in [1, 12, 32, 300] {
        for ranks in [1, 2, 3, 8] {
          let order = EpochOrder(
            seed: 9, epoch: 2, lengths: lengths(count), batchSize: batch, shuffle: shuffle, ranks: ranks)
          var seen: [Int] = []
          var (areFair, areWhole) = (true, true)
          for range in GlobalBatches(count: count, batchSize: batch) {
            let shares = (0..<ranks).map { order.songs(in: range, of: $0) }
            areFair = areFair && shares.map(\.count).max()! - shares.map(\.count).min()! <= 1
            areWhole = areWhole && shares.flatMap { $0 }.sorted() == order.songs(in: range).sorted()
            seen += shares.flatMap { $0 }
          }
          #expect(areFair && areWhole, "\(count) songs, batch \(batch), \(ranks) ranks")
          #expect(seen.sorted() == Array(0..<count), "\(count) songs, batch \(batch), \(ranks) ranks")
        }
      }
    }
  }

  @Test func batchesAreTheSameForAnyNumberOfRanksAndOthersEachEpoch() {
    let lengths = lengths(1000)
    let alone = EpochOrder(seed: 9, epoch: 2, lengths: lengths, batchSize: 32)
    #expect(EpochOrder(seed: 9, epoch: 2, lengths: lengths, batchSize: 32, ranks: 7).songs == alone.songs)
    #expect(EpochOrder(seed: 9, epoch: 3, lengths: lengths, batchSize: 32).songs != alone.songs)
    #expect(EpochOrder(seed: 8, epoch: 2, lengths: lengths, batchSize: 32).songs != alone.songs)
    // Who meets whom changes too, not only when.
    let next = EpochOrder(seed: 9, epoch: 3, lengths: lengths, batchSize: 32)
    func groups(_ order: EpochOrder) -> Set<Set<Int>> {
      Set(GlobalBatches(count: 1000, batchSize: 32).map { Set(order.songs(in: $0)) })
    }
    #expect(groups(alone).intersection(groups(next)).count < 3)
  }

  @Test func songsOfABatchAreOfNearEqualLengthAndBatchesComeInRandomOrder() {
    let lengths = lengths(5000)
    let order = EpochOrder(seed: 1, epoch: 1, lengths: lengths, batchSize: 32)
    let batches = GlobalBatches(count: 5000, batchSize: 32).map { range in
      order.songs(in: range).map { lengths[$0] }
    }
    // 2,000 lengths over pools of 19 batches: about 100 from one end of a batch to the other; at random, 1,900.
    let spreads = batches.map { $0.max()! - $0.min()! }.sorted()
    #expect(spreads[spreads.count / 2] < 150)
    let means = batches.map { Double($0.reduce(0, +)) / Double($0.count) }
    let rises = zip(means, means.dropFirst()).filter { $0 < $1 }.count
    #expect((means.count / 3..<means.count * 2 / 3).contains(rises))
  }

  @Test func sharesOfABatchSumUpToMuchTheSame() {
    for ranks in [2, 3, 8] {
      let lengths = lengths(64)
      let shares = balancedShares(of: lengths, size: ranks)
      #expect(shares.flatMap { $0 }.sorted() == Array(0..<64))
      let sums = shares.map { $0.reduce(0) { $0 + lengths[$1] } }
      #expect(Double(sums.max()!) < 1.05 * Double(sums.min()!), "\(sums)")
    }
    #expect(balancedShares(of: [5, 9], size: 4).map(\.count) == [1, 1, 0, 0])
    #expect(balancedShares(of: [], size: 2) == [[], []])
    #expect(mostSegments(of: [3, 9, 4], songs: 2) == 13)
  }
}
