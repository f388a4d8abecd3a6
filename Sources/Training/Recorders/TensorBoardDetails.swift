import Foundation
import TensorBoardEvents

/// What TensorBoard shows of a run beside scalars: its settings with their results, charts that training and validation
/// share, and in a folder of their own the distributions of weights and gradients and the curves of precision and recall.
final class TensorBoardDetails {
  private let folder: String
  private let resumedAt: Int?
  private let tags: [String]
  /// Made for the first value.
  private var file: SummaryFile?

  /// TensorBoard reads it first: before the files of scalars, `events…`, by its name.
  private static let settingsFile = "configuration.tfevents"
  private static let thresholds = 101

  /// - Parameter folder: the run's folder for TensorBoard.
  init(_ folder: String, _ summary: RunSummary, resumedAt: Int?) throws {
    self.folder = folder
    self.resumedAt = resumedAt
    tags = summary.tagNames
    try SummaryFile.replace(
      "\(folder)/\(Self.settingsFile)",
      with: SummaryValue.hyperparameters(
        Self.settings(summary.configuration),
        results: ["val_auc_macro", "val_pr_auc_macro", "val_loss", "train_auc"],
        start: Date().timeIntervalSince1970) + [
          SummaryValue(
            charts: [
              ("loss", ["train_loss", "val_loss"]), ("ROC-AUC, macro", ["train_auc", "val_auc_macro"]),
            ], category: "training and validation")
        ])
  }

  /// The options that are set, but for paths: those of the songs are the same for runs that are compared.
  private static func settings(_ configuration: RunConfiguration) -> [(name: String, value: Hyperparameter)] {
    configuration.settings.filter { !["data", "msd", "lastfm", "from"].contains($0.name) }
  }

  func write(_ report: HistogramReport) throws {
    try write(report.values.map { SummaryValue($0.name, $0.histogram) }, step: report.step)
  }

  func write(_ report: EpochReport) throws {
    let values = zip(tags, report.curves).map { tag, curve in
      SummaryValue("val_pr_curve/\(tag)", precisionRecall: curve.decisions)
    }
    try write(values, step: report.metrics.step)
  }

  private func write(_ values: [SummaryValue], step: Int) throws {
    guard !values.isEmpty else { return }
    let file = try self.file ?? SummaryFile(folder: folder + "/details", resumedAt: resumedAt)
    self.file = file
    try file.write(values, step: step)
  }
}
