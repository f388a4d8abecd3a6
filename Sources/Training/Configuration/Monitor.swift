/// Which figure of an epoch decides which checkpoint is the best one, by its name in `metrics.jsonl`.
public enum Monitor: String, Sendable, CaseIterable {
  case macroAUC = "val_auc_macro"
  case microAUC = "val_auc_micro"
  case averagePrecision = "val_pr_auc_macro"
  case loss = "val_loss"

  /// The figure; nil where the epoch does not have it.
  func value(_ metrics: EpochMetrics) -> Double? {
    switch self {
    case .macroAUC: metrics.validationAUCMacro
    case .microAUC: metrics.validationAUCMicro
    case .averagePrecision: metrics.validationPRAUCMacro
    case .loss: metrics.validationLoss
    }
  }

  /// Whether an epoch is better than all before it. One whose AUC is undefined is never the best: there is nothing to
  /// tell of it.
  func isBest(_ metrics: EpochMetrics, after history: [EpochMetrics], bestEpoch: Int?) -> Bool {
    guard let value = value(metrics), metrics.validationAUCMacro != nil else { return false }
    guard let best = history.last(where: { $0.epoch == bestEpoch }).flatMap({ self.value($0) }) else {
      return true
    }
    return self == .loss ? value < best : value > best
  }
}
