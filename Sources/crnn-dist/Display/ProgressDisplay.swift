import Foundation
import Preparation
import Training

/// Tells how far the work on songs or records is: a live line on a terminal, now and then a plain one elsewhere.
final class ProgressDisplay {
  private let terminal: LiveTerminal?
  /// Whether a log gets its first line only when the work has gone on for a while.
  private let isPatient: Bool
  private let start = ContinuousClock.now
  private var phase: String?
  private var phaseStart = ContinuousClock.now
  /// What was done when the phase began: of an earlier job, perhaps.
  private var doneBefore = 0
  private var lastShown = ContinuousClock.now
  private var lineIsOpen = false

  func show(_ progress: PreparationProgress) {
    show(progress.phase.rawValue, unit: progress.phase.unit, done: progress.done, total: progress.total)
  }

  /// - Parameter isLive: whether there is to be a live line; nil: where somebody watches.
  init(isPatient: Bool = false, isLive: Bool? = nil) {
    self.isPatient = isPatient
    terminal = LiveTerminal.standardError(wanted: isLive)
  }

  /// Takes the latest state; shows it when the last one has stood long enough.
  func show(_ phase: String, unit: String, done: Int, total: Int) {
    let now = ContinuousClock.now
    if phase != self.phase {
      self.phase = phase
      phaseStart = now
      doneBefore = done
      if isPatient, terminal == nil {
        lastShown = now
        return
      }
    } else if now - lastShown < (terminal != nil ? .milliseconds(200) : .seconds(10)),
      done < total || isPatient && terminal == nil
    {
      return
    }
    lastShown = now
    write(line(phase, unit, done, total, after: (now - phaseStart) / .seconds(1)))
  }

  private func line(_ phase: String, _ unit: String, _ done: Int, _ total: Int, after seconds: Double) -> String {
    guard total > 0 else { return phase }
    var line = "\(phase): \(done) of \(total), \(100 * done / total) %"
    if seconds > 0.5, done > doneBefore {
      let rate = Double(done - doneBefore) / seconds
      line += ", \(Int(rate)) \(unit)/s"
      let left = Double(total - done) / rate
      if left >= 1 { line += ", \(clock(left)) left" }
    }
    return line
  }

  private func clock(_ seconds: Double) -> String {
    let whole = Int(seconds.rounded(.up))
    let parts = whole >= 3600 ? [whole / 3600, whole / 60 % 60, whole % 60] : [whole / 60, whole % 60]
    return ([String(parts[0])] + parts.dropFirst().map { $0 < 10 ? "0\($0)" : "\($0)" }).joined(separator: ":")
  }

  private func write(_ line: String) {
    // On a terminal each line takes the place of the one before it (carriage return, erase to the end).
    let text = terminal.map { "\r\u{1B}[K\(line.prefix(max(1, $0.columns - 1)))" } ?? line + "\n"
    FileHandle.standardError.write(Data(text.utf8))
    lineIsOpen = terminal != nil
  }

  /// Says a line for good.
  func note(_ line: String) {
    finish()
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }

  /// Ends a live line, so that what is printed next stands below it.
  func finish() {
    if lineIsOpen { FileHandle.standardError.write(Data("\n".utf8)) }
    lineIsOpen = false
  }

  /// Since it was made.
  var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }
}
