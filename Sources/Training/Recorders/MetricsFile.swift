import Diagnosis
import FileAccess
import Foundation

/// `RUN/metrics.jsonl`: one JSON object a line, each appended in one write, so that a kill leaves whole lines but
/// for the last at most, which the next start mends.
public final class MetricsFile: RunRecorder {
  private let path: String
  private let logEvery: Int
  private var file: AppendedFile?

  /// - Parameters:
  ///   - path: of the file, which is opened when the run starts.
  ///   - logEvery: a `step` line every so many steps; 0: none.
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
      try append(JSONLine(LoggedLoss(epoch: report.epoch, step: report.step, loss: report.loss)))
    case .epoch(let report): try append(JSONLine(report.metrics, report))
    default:
      // What a full disk did not take is tried again.
      try file?.flush()
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
    line.add("split", summary.split.rule)
    line.add("split_from", summary.split.ruleFrom.rawValue)
    line.add("split_seed", summary.split.seed.flatMap { Int(exactly: $0) })
    line.add("split_seed_from", summary.split.seedFrom.rawValue)
    line.add("segments", summary.segments)
    line.add("tags", summary.tags)
    line.add("trainable", summary.trainableParameters)
    line.add("program_version", programVersion)
    line.add("time", ISO8601DateFormatter().string(from: Date()))
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

  /// Opens for appending. Of a run that goes on the lines so far are made whole; what comes after the checkpoint will be
  /// done again, and is dropped.
  /// - Throws: `missingInput` where what is there cannot be read: it is not to be lost.
  private func open(keeping progress: RunProgress?) throws {
    try replaceFile(path, with: try progress.map { MetricsRestoration(try earlierText(), $0).text } ?? "")
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

  private func append(_ line: JSONLine) throws { try file?.append([UInt8]((line.text + "\n").utf8)) }
}
