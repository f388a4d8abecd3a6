import RandomNumbers

/// The order in which an epoch sees the songs: a function of seed and epoch (and, with local shuffle, of the
/// number of ranks; with songs of unlike lengths, of the batch size), so that a resumed run goes on where it
/// stopped.
public struct EpochOrder: Sendable {
  public let shuffle: Shuffle
  public let ranks: Int
  /// The song at each position; each song is there once.
  public let songs: [Int]
  /// Segments of each song, where they are not all equally long.
  private let lengths: [Int]?

  /// - Parameters:
  ///   - seed: the run's.
  ///   - epoch: any number that names the epoch.
  ///   - count: how many songs there are; they are called `0..<count`.
  ///   - shuffle: whether all songs are permuted together, or each rank's shard by itself.
  ///   - ranks: world size; without effect on a global shuffle's order.
  public init(seed: UInt64, epoch: Int, count: Int, shuffle: Shuffle = .global, ranks: Int = 1) {
    self.shuffle = shuffle
    self.ranks = max(1, ranks)
    lengths = nil
    songs = Self.shuffled(seed: seed, epoch: epoch, count: max(0, count), shuffle, ranks: self.ranks)
  }

  /// The order of songs of unlike lengths, so that songs of near-equal length meet in a batch: pools of songs,
  /// drawn anew each epoch, are sorted by length and cut into batches, and the batches take turns at random. With
  /// local shuffle it is that of equal lengths.
  ///
  /// - Parameters:
  ///   - seed: the run's.
  ///   - epoch: any number that names the epoch.
  ///   - lengths: segments of each song.
  ///   - batchSize: of the global batches; where it does not divide the songs, the last batch is the short one.
  ///   - shuffle: whether all songs are permuted together, or each rank's shard by itself.
  ///   - ranks: world size; without effect on a global shuffle's order.
  public init(
    seed: UInt64, epoch: Int, lengths: [Int], batchSize: Int, shuffle: Shuffle = .global, ranks: Int = 1
  ) {
    self.shuffle = shuffle
    self.ranks = max(1, ranks)
    self.lengths = lengths
    let order = Self.shuffled(seed: seed, epoch: epoch, count: lengths.count, shuffle, ranks: self.ranks)
    songs =
      shuffle.hasShards
      ? order : Self.batched(order, lengths, batchSize: max(1, batchSize), seed: seed, epoch: epoch)
  }

  /// Batches that are cut from a pool: enough for near-equal lengths, few enough that a song meets others in every
  /// epoch. A single pool would always be cut alike.
  private static let batchesOfPool = 2...32
  private static let poolsAtLeast = 8

  private static func shuffled(
    seed: UInt64, epoch: Int, count: Int, _ shuffle: Shuffle, ranks: Int
  ) -> [Int] {
    let epochWord = UInt32(truncatingIfNeeded: epoch)
    switch shuffle {
    case .global:
      var stream = RandomStream(seed: seed, purpose: .epochOrder, first: epochWord)
      return stream.permutation(count)
    case .local, .partial:
      let shards = Shards(seed: seed, epoch: epoch, count: count, shuffle, ranks: ranks)
      return interleaved(shards, seed: seed, epoch: epochWord, count: count)
    }
  }

  private static func batched(
    _ order: [Int], _ lengths: [Int], batchSize: Int, seed: UInt64, epoch: Int
  ) -> [Int] {
    let fairShare = order.count / batchSize / poolsAtLeast
    let poolSize = batchSize * min(max(fairShare, batchesOfPool.lowerBound), batchesOfPool.upperBound)
    var sorted: [Int] = []
    sorted.reserveCapacity(order.count)
    for start in stride(from: 0, to: order.count, by: poolSize) {
      let pool = order[start..<min(start + poolSize, order.count)]
      // Equal lengths keep their places: the sort must not decide.
      sorted += pool.enumerated().sorted { (lengths[$0.element], $0.offset) < (lengths[$1.element], $1.offset) }
        .map(\.element)
    }
    let whole = sorted.count / batchSize
    var stream = RandomStream(seed: seed, purpose: .batchOrder, first: UInt32(truncatingIfNeeded: epoch))
    return stream.permutation(whole).flatMap { sorted[$0 * batchSize..<($0 + 1) * batchSize] }
      + sorted[(whole * batchSize)...]
  }

  /// Position p is rank p mod ranks' turn, and its next song: so any stretch of positions is divided among the
  /// ranks as evenly as can be, and all shards end together.
  private static func interleaved(_ shards: Shards, seed: UInt64, epoch: UInt32, count: Int) -> [Int] {
    let ranks = shards.ofRank.count
    let shards = shards.ofRank.enumerated().map { rank, songs in
      // The second index tells the shards apart, and from the global order, which has 0.
      var stream = RandomStream(
        seed: seed, purpose: .epochOrder, first: epoch, second: UInt32(truncatingIfNeeded: rank + 1))
      return stream.permutation(songs.count).map { songs[$0] }
    }
    return (0..<count).map { shards[$0 % ranks][$0 / ranks] }
  }

  /// All songs of a global batch, over all ranks.
  public func songs(in batch: Range<Int>) -> ArraySlice<Int> {
    songs[batch.clamped(to: songs.indices)]
  }

  /// The songs of a global batch that one rank trains on; none where the batch is smaller than the world.
  public func songs(in batch: Range<Int>, of rank: Int) -> [Int] {
    let batch = batch.clamped(to: songs.indices)
    switch shuffle {
    case .global:
      if let lengths, ranks > 1 {
        return balancedShares(of: songs[batch].map { lengths[$0] }, size: ranks)[rank].map {
          songs[batch.lowerBound + $0]
        }
      }
      return Array(songs[share(of: batch, rank: rank, size: ranks)])
    case .local, .partial:
      let first = batch.lowerBound + (rank - batch.lowerBound % ranks + ranks) % ranks
      return stride(from: first, to: batch.upperBound, by: ranks).map { songs[$0] }
    }
  }
}
