import Diagnosis
import FileAccess
import Foundation

/// `RUN/metrics.jsonl`: one JSON object a line, each appended in one write, so that a kill leaves whole lines but
/// for the last at most.
public final class MetricsFile: RunRecorder {
  private let path: String
  private let logEvery: Int
  private var file: AppendedFile?

  /// - Parameter logEvery: a `step` line every so many steps; 0: none.
  public init(path: String, logEvery: Int) {
    self.path = path
    self.logEvery = logEvery
  }

  public func record(_ event: RunEvent) throws {
    switch event {
    case .started(let summary):
      try open(keeping: nil)
      try append(Self.line("start", summary))
    case .resumed(let summary, let checkpoint):
      try open(keeping: summary.progress)
      var line = Self.line("resume", summary)
      line.add("checkpoint", (checkpoint as NSString).lastPathComponent)
      try append(line)
    case .step(let report) where logEvery > 0 && report.step % logEvery == 0:
      var line = JSONLine()
      line.add("event", "step")
      line.add("epoch", report.epoch)
      line.add("step", report.step)
      line.add("loss", report.loss)
      try append(line)
    case .epoch(let report): try append(Self.line(report))
    default: break
    }
  }

  private static func line(_ event: String, _ summary: RunSummary) -> JSONLine {
    var line = JSONLine()
    line.add("event", event)
    line.add("epoch", summary.progress.epoch)
    line.add("step", summary.progress.step)
    line.add("world_size", summary.worldSize)
    line.add("nodes", summary.nodes)
    line.add("train_songs", summary.trainSongs)
    line.add("validation_songs", summary.validationSongs)
    line.add("test_songs", summary.testSongs)
    line.add("segments", summary.segments)
    line.add("tags", summary.tags)
    line.add("trainable", summary.trainableParameters)
    line.add("program_version", programVersion)
    line.add("time", ISO8601DateFormatter().string(from: Date()))
    return line
  }

  private static func line(_ report: EpochReport) -> JSONLine {
    let metrics = report.metrics
    var line = JSONLine()
    line.add("event", "epoch")
    line.add("epoch", metrics.epoch)
    line.add("step", metrics.step)
    line.add("train_loss", metrics.trainLoss)
    line.add("train_auc", metrics.trainAUC)
    line.add("val_loss", metrics.validationLoss)
    line.add("val_auc_macro", metrics.validationAUCMacro)
    line.add("val_auc_micro", metrics.validationAUCMicro)
    line.add("val_pr_auc_macro", metrics.validationPRAUCMacro)
    line.add("val_auc_keras", metrics.validationAUCKeras)
    line.add("val_undefined_tags", metrics.undefinedTags)
    line.add("songs_per_second", report.songsPerSecond)
    line.add("epoch_seconds", report.epochSeconds)
    line.add("world_size", report.worldSize)
    return line
  }

  // MARK: The file

  /// Whether the file at a path is one of these. Throws `missingInput` where it cannot be read.
  static func isMetrics(_ path: String) throws -> Bool {
    let start = Array(#"{"event": "#.utf8)
    do {
      let found = try readStart(of: path, count: start.count)
      return found.isEmpty || found == start
    } catch {
      throw Failure(.missingInput, "\(path): \(error)")
    }
  }

  /// Opens for appending. What earlier starts wrote stays as far as the checkpoint goes on from it; the rest will
  /// be done again and is dropped, a torn last line too.
  /// - Throws: `missingInput` where what is there cannot be read: it is not to be lost.
  private func open(keeping progress: RunProgress?) throws {
    let old = progress == nil ? "" : try earlierText()
    let kept = old.split(separator: "\n").filter { line in
      progress.map { Self.precedes(line, $0) } ?? false
    }
    let text = kept.map { $0 + "\n" }.joined()
    try replaceFile(path, with: text)
    file = try AppendedFile(path)
  }

  private func earlierText() throws -> String {
    do {
      return String(decoding: try readWholeFile(path, limit: .max), as: UTF8.self)
    } catch {
      if case .system(let problem) = error, problem.isMissing { return "" }
      throw Failure(
        .missingInput, "\(path): the metrics so far cannot be read: \(error)",
        remedy: "make it readable, or move it away to go on without it")
    }
  }

  /// Whether a line tells of something before this point of the run.
  private static func precedes(_ line: Substring, _ progress: RunProgress) -> Bool {
    guard let object = try? JSONDecoder().decode(Place.self, from: Data(line.utf8)) else { return false }
    return object.step <= progress.step && !(object.event == "epoch" && object.epoch >= progress.epoch)
  }

  private struct Place: Decodable {
    let event: String
    let epoch: Int
    let step: Int
  }

  private func append(_ line: JSONLine) throws { try file?.append([UInt8]((line.text + "\n").utf8)) }
}
