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

  public init() {}

  /// Mean loss of the epoch's songs so far.
  public var meanLoss: Double? { position == 0 ? nil : lossSum / Double(position) }

  /// Turns to the next epoch.
  mutating func beginNextEpoch() {
    epoch += 1
    position = 0
    lossSum = 0
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
  }
}
