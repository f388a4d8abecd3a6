/// How far a run has come: what a checkpoint says beside the weights. The same on all ranks.
public struct RunProgress: Codable, Equatable, Sendable {
  /// The epoch being trained, from 1.
  public var epoch = 1
  /// Steps taken, over the whole run.
  public var step = 0
  /// Songs of the epoch that have been trained on, over all ranks.
  public var position = 0
  /// Sum over these songs of their loss, as their steps saw it.
  public var lossSum = 0.0
  /// The best validation macro ROC-AUC so far, and its epoch.
  public var bestAUC: Double?
  public var bestEpoch: Int?
  /// What each finished epoch came to.
  public var history: [EpochMetrics] = []
  /// The losses that `metrics.jsonl` has of steps.
  public var loggedLosses: [LoggedLoss] = []
  /// From which probability on a song is best said to have each tag, by the validation songs after the last epoch that is
  /// finished (`DecisionThresholds`); empty where there are no such songs, or no such epoch.
  public var thresholds: [Float] = []
  /// Steps left out because their loss or gradient was not finite.
  public var skipped = SkippedSteps()

  public init() {}

  /// Mean loss of the epoch's songs so far, those of skipped steps left out.
  public var meanLoss: Double? {
    let songs = position - skipped.songsOfEpoch
    return songs > 0 ? lossSum / Double(songs) : nil
  }

  /// Whether so many epochs have brought no better one. At a start, and where none can be judged, none has failed.
  func isStale(after patience: Int?) -> Bool {
    guard let patience, let bestEpoch else { return false }
    return epoch - 1 - bestEpoch >= patience
  }

  /// Turns to the next epoch.
  mutating func beginNextEpoch() {
    epoch += 1
    position = 0
    lossSum = 0
    skipped.ofEpoch = 0
    skipped.songsOfEpoch = 0
  }
}

/// Steps that changed nothing (`--on-nan skip`), counted.
public struct SkippedSteps: Codable, Equatable, Sendable {
  /// Those at the end of what has been done, with no good step among them.
  public var inARow = 0
  public var ofEpoch = 0
  public var songsOfEpoch = 0

  public init() {}
}

/// The mean loss of a step's global batch.
public struct LoggedLoss: Codable, Equatable, Sendable {
  public let epoch: Int
  public let step: Int
  /// Nil where it was not finite.
  public let loss: Double?

  public init(epoch: Int, step: Int, loss: Double) {
    self.epoch = epoch
    self.step = step
    self.loss = loss.isFinite ? loss : nil
  }
}

/// What an epoch came to; nothing here depends on the machine's speed.
public struct EpochMetrics: Codable, Equatable, Sendable {
  public var epoch: Int
  public var step: Int
  /// Mean over the epoch's songs of the loss in their step, dropout on.
  public var trainLoss: Double?
  /// Macro ROC-AUC over a sample of the training songs, in inference mode.
  public var trainAUC: Double?
  public var validationLoss: Double?
  public var validationAUCMacro: Double?
  public var validationAUCMicro: Double?
  public var validationPRAUCMacro: Double?
  public var validationAUCKeras: Double?
  /// Tags that the validation songs cannot judge, because none or all of them have it.
  public var undefinedTags: Int
  /// Steps that were left out (`--on-nan skip`); nil where none was.
  public var skippedSteps: Int?

  enum CodingKeys: String, CodingKey {
    case epoch, step
    case trainLoss = "train_loss"
    case trainAUC = "train_auc"
    case validationLoss = "val_loss"
    case validationAUCMacro = "val_auc_macro"
    case validationAUCMicro = "val_auc_micro"
    case validationPRAUCMacro = "val_pr_auc_macro"
    case validationAUCKeras = "val_auc_keras"
    case undefinedTags = "val_undefined_tags"
    case skippedSteps = "skipped_steps"
  }
}
