import Checkpointing
import Diagnosis
import Foundation
import MessagePassing
import MillionSong
import Networks
import Sampling

/// Tags for track files, from a checkpoint.
public struct Prediction {
  /// A tag with the probability that the song has it.
  public struct Tag: Codable, Sendable {
    public let tag: String
    public let probability: Float
  }

  /// What became of one file.
  public struct Outcome: Codable, Sendable {
    public let path: String
    public var trackID: String?
    public var title: String?
    public var artistName: String?
    /// Most probable first.
    public var tags: [Tag] = []
    /// What is wrong with the file; nil where there are tags.
    public var problem: String?
    /// Whether there is no such file.
    public var isMissing = false

    /// The problem as an error.
    public var failure: Failure? {
      problem.map { Failure(isMissing ? .missingInput : .badData, "\(path): \($0)") }
    }
  }

  private let model: StoredModel
  private let replica: Replica
  /// Tags to tell of each song.
  private let top: Int

  /// - Throws: as `StoredModel.read`.
  public init(checkpoint: String, top: Int, threads: Int) throws {
    model = try StoredModel.read(checkpoint)
    replica = try model.makeReplica(maximumBatch: 1, threads: threads)
    self.top = top
  }

  /// Predicts the tags of files, shared among the ranks. Rank 0 returns all outcomes in the order of the paths, a
  /// bad file among them with its problem; the others nil. Collective.
  public func run(_ paths: [String], _ communicator: any Communicator) throws -> [Outcome]? {
    let own = paths[share(of: paths.indices, rank: communicator.rank, size: communicator.size)]
    let outcomes = try communicator.agree { try own.map(outcome) }
    return try communicator.gather(outcomes)?.flatMap { $0 }
  }

  private func outcome(_ path: String) throws -> Outcome {
    var outcome = Outcome(path: path)
    let segments = model.architecture.segments
    do {
      let track = try TrackReader(segments: segments).read(path)
      outcome.trackID = track.trackID
      outcome.title = track.title
      outcome.artistName = track.artistName
      guard track.segmentCount >= segments, let pitches = track.pitches else {
        outcome.problem =
          "the song has \(track.segmentCount) segments, the model needs \(segments); shorter songs cannot be judged"
        return outcome
      }
      let batch = Batch(songs: [0], segments: [segments], features: pitches.floats, labels: [])
      let probabilities = try replica.predict(batch)
      outcome.tags = probabilities.indices
        .sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
        .prefix(top).map { Tag(tag: model.tags[$0], probability: probabilities[$0]) }
    } catch let skipped as SkippedFile {
      outcome.problem = skipped.cause
      outcome.isMissing = !FileManager.default.fileExists(atPath: path)
    }
    return outcome
  }
}
