import RandomNumbers

/// How songs are put in a new order for each epoch.
public enum Shuffle: String, Sendable, Codable, CaseIterable {
  /// One permutation of all songs; which songs make up a global batch does not depend on the world size.
  case global
  /// Each rank keeps to its own shard of the songs and permutes that; no rank needs another's songs. The
  /// batches depend on the world size.
  case local
}

/// The order in which an epoch sees the songs: a function of seed and epoch (and, with local shuffle, of the
/// number of ranks), so that a resumed run goes on where it stopped.
public struct EpochOrder: Sendable {
  public let shuffle: Shuffle
  public let ranks: Int
  /// The song at each position; each song is there once.
  public let songs: [Int]

  /// - Parameters:
  ///   - epoch: any number that names the epoch.
  ///   - count: how many songs there are; they are called `0..<count`.
  ///   - ranks: world size; without effect on a global shuffle's order.
  public init(seed: UInt64, epoch: Int, count: Int, shuffle: Shuffle = .global, ranks: Int = 1) {
    self.shuffle = shuffle
    self.ranks = max(1, ranks)
    let epochWord = UInt32(truncatingIfNeeded: epoch)
    switch shuffle {
    case .global:
      var stream = RandomStream(seed: seed, purpose: .epochOrder, first: epochWord)
      songs = stream.permutation(max(0, count))
    case .local:
      songs = Self.interleavedShards(seed: seed, epoch: epochWord, count: max(0, count), ranks: self.ranks)
    }
  }

  /// Position p is rank p mod ranks' turn, and its next song: so any stretch of positions is divided among the
  /// ranks as evenly as can be, and all shards end together.
  private static func interleavedShards(seed: UInt64, epoch: UInt32, count: Int, ranks: Int) -> [Int] {
    let shards = (0..<ranks).map { rank in
      let shard = share(of: 0..<count, rank: rank, size: ranks)
      // The second index tells the shards apart, and from the global order, which has 0.
      var stream = RandomStream(
        seed: seed, purpose: .epochOrder, first: epoch, second: UInt32(truncatingIfNeeded: rank + 1))
      return stream.permutation(shard.count).map { shard.lowerBound + $0 }
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
      return Array(songs[share(of: batch, rank: rank, size: ranks)])
    case .local:
      let first = batch.lowerBound + (rank - batch.lowerBound % ranks + ranks) % ranks
      return stride(from: first, to: batch.upperBound, by: ranks).map { songs[$0] }
    }
  }
}
