import Sampling

/// Which of the training songs this rank has in an epoch.
struct RankShard {
  let shuffle: Shuffle
  let seed: UInt64
  let ranks: Int
  let rank: Int

  /// - Parameter songs: all training songs.
  /// - Returns: this rank's, in rising order; all of them where the order is global.
  func songs(of songs: [Int], epoch: Int) -> [Int] {
    guard shuffle.hasShards else { return songs }
    return Shards(seed: seed, epoch: epoch, count: songs.count, shuffle, ranks: ranks).ofRank[rank]
      .map { songs[$0] }.sorted()
  }

  /// This rank's part of a sample of the training songs: such as it has.
  func part(of sample: [Int], songs: [Int]) -> [Int] {
    guard shuffle.hasShards else { return Array(sample[share(of: sample.indices, rank: rank, size: ranks)]) }
    let isOwn = Set(songs)
    return sample.filter(isOwn.contains)
  }
}
