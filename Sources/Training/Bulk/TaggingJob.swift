import Diagnosis
import FileAccess
import FileTrees
import MessagePassing
import Stopping
import Texts

/// Tags songs on all ranks: to be told one after the other, or into a file.
public struct TaggingJob: Sendable {
  /// Of several the probabilities are averaged.
  public var checkpoints: [String]
  /// Trees, lists, track files, audio analyses, snapshots, files of spectrograms.
  public var inputs: [String]
  /// Of a rank.
  public var threads: Int
  /// Whether the values before the last layer are given too.
  public var givesEmbeddings = false
  /// Whether a song that cannot be judged is the end of a file's making.
  public var isStrict = false

  public init(checkpoints: [String], inputs: [String], threads: Int) {
    self.checkpoints = checkpoints
    self.inputs = inputs
    self.threads = threads
  }

  /// Told on rank 0 of songs done and in all.
  public typealias Progress = (_ done: Int, _ total: Int) -> Void

  /// Tells every song, also those that cannot be judged, in order, on rank 0. Collective.
  /// - Throws: as the checkpoint's and the inputs' reading; what `tell` throws.
  public func run(
    _ choice: TagChoice, _ communicator: any Communicator,
    tell: ([Prediction.Outcome], _ tags: ModelTags) throws -> Void
  ) throws {
    let prediction = try prediction(communicator, choice)
    let plan = try BulkPlan(inputs, for: prediction, communicator)
    if communicator.isRoot { try tell(plan.unlistedOutcomes, prediction.tags) }
    try withoutActuallyEscaping(tell) { tell in
      let bulk = BulkPrediction(
        prediction, plan, done: 0, communicator, isStopped: { false }, progress: { _, _ in },
        handOn: { outcomes, _ in try tell(outcomes, prediction.tags) })
      _ = try bulk.run(from: .start)
    }
  }

  func prediction(_ communicator: any Communicator, _ choice: TagChoice) throws -> Prediction {
    let prediction = try Prediction(
      checkpoints: checkpoints, threads: threads, embeddings: givesEmbeddings, communicator)
    try communicator.agree { try choice.threshold?.check(prediction.tags, of: prediction.source) }
    return prediction
  }
}

extension BulkPlan {
  /// Folders that could not be listed, as files that cannot be judged.
  var unlistedOutcomes: [Prediction.Outcome] {
    unlisted.map {
      var outcome = Prediction.Outcome(path: $0.path, row: nil)
      outcome.problem = Prediction.Outcome.Problem(kind: .unreadable, cause: $0.cause)
      return outcome
    }
  }
}
