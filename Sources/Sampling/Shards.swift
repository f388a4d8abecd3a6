import RandomNumbers

/// The songs of each rank in an epoch, where ranks keep to shards: a function of seed and epoch, so that a resumed run has
/// the shards that it would have had.
public struct Shards: Sendable, Equatable {
  /// Songs `0..<count` of each rank, in no order that means anything.
  public private(set) var ofRank: [[Int]]

  public init(seed: UInt64, epoch: Int, count: Int, _ shuffle: Shuffle, ranks: Int) {
    ofRank = (0..<max(1, ranks)).map { Array(share(of: 0..<count, rank: $0, size: max(1, ranks))) }
    guard case .partial(let share) = shuffle, ofRank.count > 1, epoch > 1 else { return }
    for later in 2...epoch {
      exchange(share, RandomStream(seed: seed, purpose: .shardExchange, first: UInt32(truncatingIfNeeded: later)))
    }
  }

  /// Every rank gives a share of its songs away, drawn at random, and gets as many of those that all have given.
  private mutating func exchange(_ share: Double, _ numbers: RandomStream) {
    var numbers = numbers
    var given: [Int] = []
    // What is drawn goes to the front of its shard, whose order means nothing.
    let counts = ofRank.indices.map { rank in
      let count = Int((share * Double(ofRank[rank].count)).rounded())
      for place in 0..<count {
        ofRank[rank].swapAt(place, place + numbers.index(below: ofRank[rank].count - place))
      }
      given += ofRank[rank][..<count]
      return count
    }
    let order = numbers.permutation(given.count)
    var next = 0
    for (rank, count) in counts.enumerated() {
      for place in 0..<count {
        ofRank[rank][place] = given[order[next]]
        next += 1
      }
    }
  }
}
