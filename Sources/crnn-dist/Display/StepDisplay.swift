import Diagnosis
import Foundation
import Training

extension StepMeasurement {
  /// What was measured, and the speed.
  var summary: String {
    let what = kind == "inference" ? "predictions" : "training steps"
    let speed = String(
      format: "%.1f songs/s (median; the middle half %.1f to %.1f), %.1f ms a step", songsPerSecond, middleHalf[0],
      middleHalf[1], medianSeconds * 1000)
    return """
      \(seconds.count) \(what) of \(batchSize) songs of \(segments) segments, \(worldSize) rank(s) with \(threads) \
      thread(s), \(trainable) trainable parameters
      \(speed)
      memory a rank: \(memoryInWords ?? "not told"); at most \(peakMemoryBytes.map(inBinaryUnits) ?? "not told") \
      resident, the program itself included
      """
  }

  /// A line for every layer, and below it one for every phase; nil without a profile.
  var table: String? {
    guard let phases, let productRate, let memoryRate else { return nil }
    var layers: [(name: String, phases: [Phase])] = []
    for phase in phases {
      if layers.last?.name == phase.layer {
        layers[layers.count - 1].phases.append(phase)
      } else {
        layers.append((phase.layer, [phase]))
      }
    }
    let total = StepSum(phases)
    let rates = String(
      format: "rank 0's %d thread(s) here: %.0f GFLOP/s in large products, %.1f GB/s from memory", threads,
      productRate,
      memoryRate)
    let header = StepSum.row(
      worldSize > 1 ? "rank 0, medians" : "medians",
      ["ms", "of step", "GFLOP/s direct", "executed", "MB", "GB/s", "of bound"])
    let rows = layers.flatMap { layer in
      [StepSum(layer.phases).row(layer.name, of: total)]
        + (layer.phases.count == 1 && layer.name == "rest"
          ? [] : layer.phases.map { StepSum([$0]).row("  " + $0.phase, of: total) })
    }
    return ([rates, header] + rows + [total.row("step", of: total)]).joined(separator: "\n")
  }
}

/// Phases taken together.
private struct StepSum {
  var seconds = 0.0
  var direct = 0
  var executed = 0
  var bytes = 0
  var bound = 0.0
  /// Seconds of the phases that count operations, and of those that count bytes: what rates are taken over.
  var operationSeconds = 0.0
  var byteSeconds = 0.0

  init(_ phases: [StepMeasurement.Phase]) {
    for phase in phases {
      seconds += phase.seconds
      direct += phase.directOperations
      executed += phase.executedOperations
      bytes += phase.bytes
      bound += phase.boundSeconds ?? 0
      if phase.executedOperations > 0 { operationSeconds += phase.seconds }
      if phase.bytes > 0 { byteSeconds += phase.seconds }
    }
  }

  func row(_ name: String, of total: StepSum) -> String {
    func text(_ format: String, _ value: Double, if isKnown: Bool) -> String {
      isKnown && value.isFinite ? String(format: format, value) : "-"
    }
    return Self.row(
      name,
      [
        text("%.2f", seconds * 1e3, if: true),
        text("%.1f %%", seconds / total.seconds * 100, if: total.seconds > 0),
        text("%.0f", Double(direct) / operationSeconds * 1e-9, if: executed > 0),
        text("%.0f", Double(executed) / operationSeconds * 1e-9, if: executed > 0),
        text("%.1f", Double(bytes) * 1e-6, if: bytes > 0),
        text("%.1f", Double(bytes) / byteSeconds * 1e-9, if: bytes > 0),
        text("%.0f %%", bound / seconds * 100, if: bound > 0),
      ])
  }

  static func row(_ name: String, _ cells: [String]) -> String {
    let widths = [9, 9, 16, 10, 10, 8, 10]
    return name.padding(toLength: 36, withPad: " ", startingAt: 0)
      + zip(cells, widths).map { cell, width in
        " " + cell.leftPadded(to: width - 1)
      }.joined()
  }
}

extension StepComparison {
  /// The ratios, overall and of every phase, and what makes them less than a comparison of programs.
  func text(_ stored: StepMeasurement, _ now: StepMeasurement, path: String) -> String {
    var lines = [
      String(
        format: "%.3f × as fast as %@: %.1f songs/s there, %.1f here", ratio, path, stored.songsPerSecond,
        now.songsPerSecond)
    ]
    lines += differences.map { "  not the same measurement: \($0)" }
    guard stored.phases != nil, now.phases != nil else { return lines.joined(separator: "\n") }
    lines.append(Self.row("", ["ms there", "ms here", "ratio"]))
    for phase in phases {
      lines.append(
        Self.row(
          phase.layer + ": " + phase.phase,
          [
            phase.storedSeconds.map { String(format: "%.2f", $0 * 1e3) } ?? "-",
            phase.seconds.map { String(format: "%.2f", $0 * 1e3) } ?? "-",
            phase.ratio.map { String(format: "%.2f", $0) } ?? "-",
          ]))
    }
    return lines.joined(separator: "\n")
  }

  private static func row(_ name: String, _ cells: [String]) -> String {
    name.padding(toLength: 60, withPad: " ", startingAt: 0)
      + cells.map { " " + $0.leftPadded(to: 9) }.joined()
  }
}
