import MessagePassing
import Sampling

/// The songs that this rank works on, in memory: for training all of them, once for a node where it has several ranks, or a
/// shard that may change from epoch to epoch; and its part of those for validation.
final class HeldSongs: SongStore {
  private let source: any SongSource
  private let shared: NodeSongs?
  private var training: SongFeatures
  private let validation: SongFeatures

  /// Collective. Throws on all ranks alike.
  /// - Parameters:
  ///   - isShared: whether all ranks train on the same songs.
  ///   - training, validation: in rising order.
  init(
    _ source: any SongSource, _ input: SongInput, training songs: [Int], isShared: Bool, validation others: [Int],
    _ communicator: any Communicator
  ) throws {
    self.source = source
    let node = isShared ? try NodeSongs.make(source, input, songs, communicator) : nil
    shared = node
    let training = SongFeatures(source, input, expecting: node == nil ? songs : [])
    if let node {
      try training.loadShared(songs, from: source, to: node, communicator)
    } else if isShared {
      try training.loadShared(songs, from: source, communicator)
    } else {
      try communicator.agree { try training.load(songs, from: source) }
    }
    self.training = training
    let validation = SongFeatures(source, input, expecting: others)
    try communicator.agree { try validation.load(others, from: source) }
    self.validation = validation
  }

  /// Goes over to other songs for training, of which most may be here already.
  func turn(to songs: [Int]) throws { training = try training.exchanged(for: songs, from: source) }

  func copy(_ song: Int, _ segments: Range<Int>, _ input: SongInput, to target: inout [Float], at offset: Int) {
    if let shared, shared.holds(song) { return shared.copy(song, segments, input, to: &target, at: offset) }
    let place = training.holds(song) ? training : validation
    place.copy(song, segments, input, to: &target, at: offset)
  }

  /// What this rank's part of them takes in memory.
  static func bytes(
    _ source: any SongSource, _ input: SongInput, training: [Int], _ shuffle: Shuffle, validation: [Int],
    _ communicator: any Communicator
  ) -> Int {
    let songs = SongFeatures.bytes(of: training, source, input)
    let others = SongFeatures.bytes(of: validation, source, input)
    switch shuffle {
    case .global:
      return songs / communicator.layout.neighbours(of: communicator.rank).count + others
    case .local: return songs + others
    // The old shard and the new, for a moment.
    case .partial: return 2 * songs + others
    }
  }
}
