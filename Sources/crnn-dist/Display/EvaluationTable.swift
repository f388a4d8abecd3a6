import Diagnosis
import Foundation
import Judging
import Metrics
import Training

/// What `evaluate` prints for people.
struct EvaluationTable {
  let report: Evaluation.Report
  let threshold: TagChoice.Threshold
  let comparison: Comparison?

  func printAll() {
    printFigures()
    if let comparison { printDifference(comparison) }
    printTags()
    if report.judgement != nil { printVerdicts() }
  }

  private func printFigures() {
    let metrics = report.metrics
    let judgement = report.judgement
    print("\(counted(report.songs, "song")) of the \(report.side) side, \(counted(report.tags.count, "tag"))")
    printFigure("loss", metrics.loss)
    printFigure("ROC-AUC, macro", metrics.macroROCAUC, judgement?.macroROCAUC)
    printFigure("ROC-AUC, micro", metrics.microROCAUC, judgement?.microROCAUC)
    printFigure("average precision, macro", metrics.macroAveragePrecision, judgement?.macroAveragePrecision)
    printFigure("Keras AUC (200 steps)", metrics.kerasAUC)
    let least = threshold == .own ? "own thresholds" : "from \(threshold) on"
    printFigure("F1, macro, \(least)", report.decisions.macroF1)
    printFigure("F1, micro", report.decisions.microF1)
    for (k, value) in report.decisions.precisionAt { printFigure("precision at \(k)", value) }
    if metrics.undefinedTags > 0 {
      print(padded("undefined tags", 26) + "\(metrics.undefinedTags), left out of the macro means")
    }
    if let judgement {
      print(
        "in brackets: 95 % intervals, from \(judgement.bootstrap.resamples) resamples of the "
          + "\(judgement.artists) artists")
    }
  }

  private func printFigure(_ name: String, _ figure: Double?, _ interval: Interval? = nil) {
    print(padded(name, 26) + value(figure) + (interval.map { "  " + words($0) } ?? ""))
  }

  private func printDifference(_ comparison: Comparison) {
    let difference = comparison.difference
    print(
      "\nless \(comparison.other), on the \(difference.songs) songs that both judge, \(difference.artists) artists"
    )
    printDifference("ROC-AUC, macro", difference.macroROCAUC, difference, \.macroROCAUC)
    printDifference("ROC-AUC, micro", difference.microROCAUC, difference, \.microROCAUC)
    printDifference(
      "average precision, macro", difference.macroAveragePrecision, difference, \.macroAveragePrecision)
  }

  private func printDifference(
    _ name: String, _ figure: PairedDifference.Difference?, _ both: PairedDifference,
    _ metric: (TagMetrics) -> Double?
  ) {
    guard let figure else { return print(padded(name, 26) + "undefined") }
    let verdict = figure.isSure ? "" : "  no difference that is sure"
    print(
      padded(name, 26) + "\(value(metric(both.first))) - \(value(metric(both.second))) = \(signed(figure.value))  "
        + words(figure.interval, signed) + verdict)
  }

  private func printTags() {
    let width = report.tags.map(\.count).max() ?? 0
    let hasIntervals = report.judgement != nil
    let heading = hasIntervals ? "  " + padded("ROC-AUC", 24) + "avg. prec." : "    ROC-AUC  avg. prec."
    print("\n" + padded("tag", width) + "  songs" + heading)
    for (index, tag) in report.metrics.tags.enumerated() {
      let judged = report.judgement?.tags[index]
      let songs = "\(tag.positives)".leftPadded(to: 5)
      let figures = [(tag.rocAUC, judged?.rocAUC), (tag.averagePrecision, judged?.averagePrecision)]
      let line = figures.map { figure, interval in
        guard hasIntervals else { return value(figure).leftPadded(to: 11) }
        return "  " + padded(value(figure) + (interval.map { " " + words($0) } ?? ""), 22)
      }
      let mark =
        switch judged?.verdict {
        case .notBetter: "  chance?"
        case .tooFew: "  too few"
        case .better, nil: ""
        }
      print(trimmed(padded(report.tags[index], width) + "  " + songs + line.joined() + mark))
    }
  }

  private func printVerdicts() {
    let (notBetter, tooFew) = (report.tags(judged: .notBetter), report.tags(judged: .tooFew))
    print(
      "\nbetter than chance (the interval is above 0.5): \(report.tags(judged: .better).count) of "
        + "\(report.tags.count) tags; no better (chance?): \(notBetter.count); too few artists to tell (below \(Judgement.fewestArtists)): "
        + "\(tooFew.count)")
    if !notBetter.isEmpty { print("no better than chance: " + notBetter.joined(separator: ", ")) }
  }

  private func value(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "undefined" }

  private func signed(_ value: Double) -> String { String(format: "%+.4f", value) }

  private func words(
    _ interval: Interval, _ form: (Double) -> String = { String(format: "%.3f", $0) }
  ) -> String {
    "[\(form(interval.lower)), \(form(interval.upper))]"
  }

  private func trimmed(_ line: String) -> String {
    String(line.reversed().drop(while: { $0 == " " }).reversed())
  }

  private func padded(_ text: String, _ width: Int) -> String {
    text.count < width ? text + String(repeating: " ", count: width - text.count) : text
  }
}
