import Kernels

/// Songs of one step on one rank.
public struct Batch: Sendable {
  /// A number for each song that stays its own over the whole job (its row in the snapshot): dropout's stream.
  public var songs: [UInt32]
  /// Segments of each song; songs of a batch may differ in length.
  public var segments: [Int]
  /// `[song][segment][channel][row]`, every song as long as it is.
  public var features: [Float]
  /// `[song][tag]`, 0 or 1. May be empty where only predictions are wanted.
  public var labels: [Float]
  /// `[song][value]`, what is known of whole songs; empty where the network takes nothing of it.
  public var songValues: [Float] = []
  /// `[song][target]`, 0 to 1, of a network with a head for them; may be empty where only predictions are wanted.
  public var auxiliary: [Float] = []
  /// Whether a song's labels are known: one whose are not has no loss of them. Empty: all are.
  public var isTagged: [Bool] = []

  public init(songs: [UInt32], segments: [Int], features: [Float], labels: [Float]) {
    self.songs = songs
    self.segments = segments
    self.features = features
    self.labels = labels
  }

  /// Songs that are all equally long.
  /// - Parameters:
  ///   - songs: a number for each that stays its own over the whole job.
  ///   - width: values of a segment.
  ///   - features: `[song][segment][channel][row]`.
  ///   - labels: `[song][tag]`, 0 or 1; may be empty where only predictions are wanted.
  public init(songs: [UInt32], width: Int, features: [Float], labels: [Float]) {
    let segments = features.count / (max(songs.count, 1) * width)
    self.init(
      songs: songs, segments: Array(repeating: segments, count: songs.count), features: features, labels: labels)
  }

  public var count: Int { songs.count }
}

/// What a step has in common on all ranks.
public struct StepContext: Sendable {
  public var seed: UInt64
  /// From 1, over the whole run.
  public var step: UInt32
  /// Songs of the global batch, over all ranks.
  public var globalSongs: Int
  /// Off only where a test compares with a network without chance.
  public var dropout: Bool

  public init(seed: UInt64, step: UInt32, globalSongs: Int, dropout: Bool = true) {
    self.seed = seed
    self.step = step
    self.globalSongs = globalSongs
    self.dropout = dropout
  }
}

/// What a step tells about its local songs.
public struct StepOutcome: Sendable {
  /// Sum over the local songs of the binary cross-entropy's mean over tags.
  public var lossSum: Double
}

/// Adds up numbers over the replicas that share their batch statistics: synchronous batch norm. Every replica
/// calls it the same number of times a step, those without songs too.
public protocol BatchStatisticsReduction: AnyObject {
  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws
}
