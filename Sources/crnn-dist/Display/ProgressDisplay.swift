import Foundation
import Preparation

/// Tells how far the reading of songs or records is: a live line on a terminal, now and then a plain one elsewhere.
final class ProgressDisplay {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let start = ContinuousClock.now
  private var phase: PreparationProgress.Phase?
  private var phaseStart = ContinuousClock.now
  private var lastShown = ContinuousClock.now
  private var lineIsOpen = false

  /// Takes the latest state; shows it when the last one has stood long enough.
  func show(_ progress: PreparationProgress) {
    let now = ContinuousClock.now
    if progress.phase != phase {
      phase = progress.phase
      phaseStart = now
    } else if now - lastShown < (isTerminal ? .milliseconds(200) : .seconds(10)), progress.done < progress.total {
      return
    }
    lastShown = now
    write(line(for: progress, after: (now - phaseStart) / .seconds(1)))
  }

  private func line(for progress: PreparationProgress, after seconds: Double) -> String {
    guard progress.total > 0 else { return progress.phase.rawValue }
    let share = 100 * progress.done / progress.total
    var line =
      "\(progress.phase.rawValue): \(progress.done) of \(progress.total), \(share) %"
    if seconds > 0.5, progress.done > 0 {
      let rate = Double(progress.done) / seconds
      line += ", \(Int(rate)) \(progress.phase.unit)/s"
      let left = Double(progress.total - progress.done) / rate
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
    let text = isTerminal ? "\r\u{1B}[K\(line)" : line + "\n"
    FileHandle.standardError.write(Data(text.utf8))
    lineIsOpen = isTerminal
  }

  /// Ends a live line, so that what is printed next stands below it.
  func finish() {
    if lineIsOpen { FileHandle.standardError.write(Data("\n".utf8)) }
    lineIsOpen = false
  }

  /// Since it was made.
  var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }
}
