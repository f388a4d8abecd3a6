import Diagnosis
import Foundation
import Logging
import Segments

/// Tells a human how the run goes: on a terminal a live line, elsewhere plain lines, one an epoch and one every
/// half minute within long epochs.
public final class ProgressReporter: RunRecorder {
  private let console: Console
  private let log: Logger
  private var lastWord = Date.distantPast
  /// Songs of a step.
  private var batchSize = 1

  /// Seconds between lines within an epoch, on a terminal and elsewhere.
  private let patience: TimeInterval

  public init(_ console: Console = .standardError) {
    self.console = console
    log = Logger(label: "crnn-dist") { _ in ConsoleLogHandler(console) }
    patience = console.isTerminal ? 0.2 : 30
  }

  public func record(_ event: RunEvent) {
    switch event {
    case .started(let summary):
      lastWord = Date()
      describe(summary)
    case .resumed(let summary, let checkpoint):
      lastWord = Date()
      let progress = summary.progress
      log.info("goes on from \(checkpoint): epoch \(progress.epoch), after step \(progress.step)")
      describe(summary)
    case .step(let report): tell(report)
    case .evaluating(let songs): console.draw("taking the metrics of \(songs) songs …")
    case .epoch(let report): tell(report)
    case .checkpoint, .histograms: break
    case .note(let text): log.info("\(text)")
    case .warning(let text): log.warning("\(text)")
    case .finished(let progress): tell(progress)
    }
  }

  private func describe(_ summary: RunSummary) {
    let configuration = summary.configuration
    batchSize = configuration.batchSize
    let threads = words(summary.threads)
    log.info(
      """
      \(counted(summary.worldSize, "rank")) on \(counted(summary.nodes, "node")), \
      threads a rank: \(threads); batch \(configuration.batchSize), songs of it a rank: \(words(summary.batchShares))
      """)
    log.info(
      """
      songs: \(summary.trainSongs) for training, \(summary.validationSongs) for validation, \
      \(summary.testSongs) for test; \(words(summary, segmentsOf: configuration)), \(summary.tags) tags
      """)
    log.info("split: \(summary.split.inWords)")
    log.info(
      """
      parameters: \(summary.trainableParameters) trainable, \(summary.nonTrainableParameters) not; \
      \(counted(configuration.epochs, "epoch")) of \(counted(summary.stepsPerEpoch, "step"))
      """)
    log.info("memory a rank: \(summary.memory.inWords)")
  }

  private func words(_ summary: RunSummary, segmentsOf configuration: RunConfiguration) -> String {
    let selection = configuration.features ?? .pitches
    let features = selection.words
    let file = selection.isOfSegments ? "snapshot" : "file"
    let source =
      (summary.isStreaming ? ", read from the \(file) as they are needed" : "")
      + (selection.ofSong.isEmpty ? "" : "; \(selection.songWords) of each song")
    guard selection.isOfSegments else { return "spectrograms of \(summary.segments) frames\(source)" }
    if selection.features.isEmpty { return "\(selection.songWords) of each song" }
    switch configuration.segments {
    case .all: return "\(features) of whole songs of up to \(summary.segments) segments\(source)"
    default: return "\(features) of \(summary.segments) segments (\(configuration.crop.rawValue))\(source)"
    }
  }

  private func tell(_ report: StepReport) {
    let now = Date()
    guard now.timeIntervalSince(lastWord) >= patience else { return }
    lastWord = now
    let speed = report.seconds > 0 ? Double(report.trainedSongs) / report.seconds : 0
    let left = report.songs - report.position
    let leftOfRun = left + (report.epochs - report.epoch) * report.songs
    let times = [left, leftOfRun].map { duration(Double($0) / max(speed, 1e-9)) }
    let words = "loss \(decimals(report.loss, 4))  \(decimals(speed, 0)) songs/s"
    if console.isTerminal {
      let share = Double(report.position) / Double(max(1, report.songs))
      console.draw(
        "epoch \(report.epoch)/\(report.epochs) \(bar(share)) step \(steps(report))  \(words)  "
          + "\(times[0]) left, run \(times[1])")
    } else {
      log.info(
        """
        epoch \(report.epoch)/\(report.epochs), \(report.position) of \(report.songs) songs, step \(report.step): \
        \(words), \(times[0]) left in the epoch, \(times[1]) in the run
        """)
    }
  }

  private func tell(_ report: EpochReport) {
    lastWord = Date()
    let metrics = report.metrics
    func value(_ value: Double?) -> String { value.map { decimals($0, 4) } ?? "undefined" }
    var line =
      "epoch \(metrics.epoch)/\(report.epochs): loss \(value(metrics.trainLoss)), training AUC "
      + "\(value(metrics.trainAUC)); validation loss \(value(metrics.validationLoss)), AUC "
      + "\(value(metrics.validationAUCMacro)) macro, \(value(metrics.validationAUCMicro)) micro; "
      + (report.songsPerSecond.map { "\(decimals($0, 0)) songs/s, " } ?? "") + duration(report.epochSeconds)
    if metrics.undefinedTags > 0 { line += "; \(counted(metrics.undefinedTags, "tag")) undefined" }
    if let times = report.times, report.worldSize > 1 { line += "; " + words(times) }
    if report.isBest { line += "  (best so far)" }
    log.info("\(line)")
  }

  private func words(_ times: EpochTimes) -> String {
    func percent(_ share: Double) -> String { "\(decimals(share * 100, 0)) %" }
    var words =
      "\(percent(times.computing)) computing, \(percent(times.waiting)) waiting, \(percent(times.transfer)) transfer"
    if times.reading >= 0.005 { words += ", \(percent(times.reading)) reading" }
    if let slowest = times.slowest {
      words += "; rank \(slowest.rank) on \(slowest.host) is slow and costs \(percent(slowest.cost))"
    }
    return words
  }

  private func tell(_ progress: RunProgress) {
    guard let best = progress.bestAUC, let epoch = progress.bestEpoch else {
      return log.info("done: \(counted(progress.step, "step"))")
    }
    log.info("done: best validation AUC \(decimals(best, 4)) macro, in epoch \(epoch)")
  }

  // MARK: Words

  /// Steps of the epoch that are taken, and all of them.
  private func steps(_ report: StepReport) -> String {
    func steps(_ songs: Int) -> Int { (songs + batchSize - 1) / max(1, batchSize) }
    return "\(steps(report.position))/\(steps(report.songs))"
  }

  private func bar(_ share: Double) -> String {
    let width = 12
    let full = Int((share * Double(width)).rounded())
    return "[" + String(repeating: "█", count: full) + String(repeating: "·", count: width - full) + "]"
  }

  private func words(_ range: ClosedRange<Int>) -> String {
    range.count == 1 ? "\(range.lowerBound)" : "\(range.lowerBound) to \(range.upperBound)"
  }

  private func decimals(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }

  private func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e9 else { return "unknown" }
    let whole = Int(seconds.rounded())
    let (hours, minutes) = (whole / 3600, whole / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, whole % 60)
      : String(format: "%d:%02d", minutes, whole % 60)
  }
}
