import Diagnosis
import FileAccess
import Metrics
import Texts
import Training

/// Every tag's figures as a table with commas (RFC 4180), for a spreadsheet.
struct TagFiguresTable {
  private let report: Evaluation.Report

  private static let columns = [
    "tag", "positives", "auc", "auc_lower", "auc_upper", "pr_auc", "pr_auc_lower", "pr_auc_upper",
    "threshold", "f1", "precision", "recall", "artists", "verdict",
  ]
  private static var heading: String { columns.joined(separator: ",") + "\n" }

  init(_ report: Evaluation.Report) { self.report = report }

  /// Claims the path of a table to write. Throws `usage` where something else stands there.
  static func claim(_ path: String, inputs: [String]) throws {
    try OutputClaim(inputs: inputs).file(
      path,
      replacing: .init("a table of tags' figures", .given) { path in
        let start = Array(heading.utf8)
        return (try? readStart(of: path, count: start.count)) == start
      })
  }

  /// - Throws: `unwritable` where there is no room, `missingInput` where the folder is missing.
  func write(to path: String) throws {
    try replaceFile(path, with: Self.heading + report.tags.indices.map(line).joined())
  }

  private func line(_ tag: Int) -> String {
    let (metrics, judged) = (report.metrics.tags[tag], report.judgement?.tags[tag])
    let (decision, threshold) = (report.decisions.tags[tag], report.decisions.thresholds[tag])
    func text(_ value: Double?) -> String { value.map { "\($0)" } ?? "" }
    let (auc, average) = (judged?.rocAUC, judged?.averagePrecision)
    let fields = [
      report.tags[tag], "\(metrics.positives)", text(metrics.rocAUC), text(auc?.lower), text(auc?.upper),
      text(metrics.averagePrecision), text(average?.lower), text(average?.upper),
      "\(threshold)", text(decision.f1), text(decision.precision), text(decision.recall),
      judged.map { "\($0.artists)" } ?? "",
      judged.map { $0.verdict.rawValue } ?? "",
    ]
    return CommaSeparated.line(fields)
  }
}
