import Metrics
import TensorBoardEvents

/// What a run tells while it goes. Only rank 0 has recorders: it alone speaks and writes.
public enum RunEvent {
  case started(RunSummary)
  /// Goes on from a checkpoint.
  case resumed(RunSummary, from: String)
  case step(StepReport)
  /// Metrics are being taken: nothing moves for a while.
  case evaluating(songs: Int)
  /// The distributions of weights and gradients after a step.
  case histograms(HistogramReport)
  case epoch(EpochReport)
  case checkpoint(path: String)
  /// Something to know that is not wrong.
  case note(String)
  case warning(String)
  case finished(RunProgress)
}

/// What a run starts with.
public struct RunSummary: Sendable {
  public var configuration: RunConfiguration
  public var progress: RunProgress
  /// Where the split comes from.
  public var split: SplitProvenance
  public var worldSize: Int
  public var nodes: Int
  /// Threads of the ranks that have fewest and most.
  public var threads: ClosedRange<Int>
  /// What rank 0 takes, which takes most: it writes the checkpoints.
  public var memory: MemoryPlan
  public var trainSongs: Int
  public var validationSongs: Int
  public var testSongs: Int
  /// Songs of the data that are left out, having too few segments.
  public var tooShortSongs: Int
  /// Whether songs are read from the disk as they are needed.
  public var isStreaming: Bool
  /// Of every song; of the longest, where they differ.
  public var segments: Int
  public var tags: Int
  public var tagNames: [String]
  public var trainableParameters: Int
  public var nonTrainableParameters: Int
  public var stepsPerEpoch: Int
  /// Songs of a batch of the rank with fewest and the one with most.
  public var batchShares: ClosedRange<Int>
}

/// One step of all ranks.
public struct StepReport: Sendable {
  public var epoch: Int
  public var epochs: Int
  /// Over the whole run, from 1.
  public var step: Int
  /// Mean over the global batch, dropout on.
  public var loss: Double
  /// Songs of the epoch trained on so far, and all of them.
  public var position: Int
  public var songs: Int
  /// Songs and seconds since this start of the program began the epoch.
  public var trainedSongs: Int
  public var seconds: Double
}

/// One epoch of all ranks.
public struct EpochReport: Sendable {
  public var metrics: EpochMetrics
  public var epochs: Int
  public var worldSize: Int
  /// Training alone, metrics not counted; of the part since the last start, where the epoch was resumed; nil where that
  /// part has no step.
  public var songsPerSecond: Double?
  /// Training and metrics.
  public var epochSeconds: Double
  /// Where the time of the steps went; nil where there was none.
  public var times: EpochTimes?
  public var isBest: Bool
  /// Of each tag on the validation songs; of the best epoch so far alone, else empty.
  public var curves: [DecisionCurve]
}

/// How weights and gradients are distributed after a step.
public struct HistogramReport: Sendable {
  public var step: Int
  /// `weights/convolution_1/kernel`, `gradients/convolution_1/kernel` and so on.
  public var values: [(name: String, histogram: ValueHistogram)]
}

/// Listens to a run.
public protocol RunRecorder: AnyObject {
  func record(_ event: RunEvent) throws
}
