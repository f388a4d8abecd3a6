import Foundation

/// `metrics.jsonl` as it must be where a run goes on: every line of what the checkpoint has behind it once, in its order,
/// whatever a kill, a full disk or an editor has done to the file.
///
/// A line that is there is kept as it is, since it alone knows speeds and world sizes, where it says what the checkpoint
/// says. One that is missing or says something else is written from the checkpoint.
struct MetricsRestoration {
  private let progress: RunProgress
  private let logged: [Int: LoggedLoss]
  private let history: [Int: EpochMetrics]
  private var lines: [Line] = []

  /// A line and what its place depends on.
  private struct Line {
    let step: Int
    let kind: Kind
    let text: String
  }

  /// The events, in the order that they have at one step.
  private enum Kind: Int {
    case start, step, epoch, resume
  }

  /// - Parameters:
  ///   - old: the file's text.
  ///   - progress: where the run goes on.
  init(_ old: String, _ progress: RunProgress) {
    self.progress = progress
    logged = Dictionary(progress.loggedLosses.map { ($0.step, $0) }, uniquingKeysWith: { first, _ in first })
    history = Dictionary(progress.history.map { ($0.epoch, $0) }, uniquingKeysWith: { first, _ in first })
    keep(old)
    addMissing()
  }

  /// The whole text.
  var text: String {
    let inOrder = lines.enumerated().sorted {
      ($0.element.step, $0.element.kind.rawValue, $0.offset) < (
        $1.element.step, $1.element.kind.rawValue, $1.offset
      )
    }
    return inOrder.map { $0.element.text + "\n" }.joined()
  }

  private mutating func keep(_ old: String) {
    var seen: Set<Substring> = []
    var steps: Set<Int> = []
    var epochs: Set<Int> = []
    for text in old.split(separator: "\n") where seen.insert(text).inserted {
      guard let place = Self.decoded(Place.self, text), place.step <= progress.step else { continue }
      let kind: Kind
      switch place.event {
      case "start": kind = .start
      case "resume": kind = .resume
      case "step":
        guard agrees(place), steps.insert(place.step).inserted else { continue }
        kind = .step
      case "epoch":
        guard var metrics = Self.decoded(EpochMetrics.self, text) else { continue }
        // A line says 0 where a checkpoint says nothing.
        if metrics.skippedSteps == 0 { metrics.skippedSteps = nil }
        guard history[place.epoch] == metrics, epochs.insert(place.epoch).inserted else { continue }
        kind = .epoch
      default: continue
      }
      lines.append(Line(step: place.step, kind: kind, text: String(text)))
    }
  }

  /// Checkpoints of older programs do not know the losses of steps: then the file is believed.
  private func agrees(_ place: Place) -> Bool {
    guard let known = logged[place.step] else { return true }
    return known.epoch == place.epoch && known.loss == place.loss
  }

  private mutating func addMissing() {
    let steps = Set(lines.lazy.filter { $0.kind == .step }.map(\.step))
    for loss in progress.loggedLosses where !steps.contains(loss.step) {
      lines.append(Line(step: loss.step, kind: .step, text: JSONLine(loss).text))
    }
    let epochEnds = Set(lines.lazy.filter { $0.kind == .epoch }.map(\.step))
    for metrics in progress.history where !epochEnds.contains(metrics.step) {
      lines.append(Line(step: metrics.step, kind: .epoch, text: JSONLine(metrics).text))
    }
  }

  private struct Place: Decodable {
    let event: String
    let epoch: Int
    let step: Int
    let loss: Double?
  }

  private static func decoded<Value: Decodable>(_ type: Value.Type, _ line: Substring) -> Value? {
    try? JSONDecoder().decode(type, from: Data(line.utf8))
  }
}

extension JSONLine {
  /// The line of a step.
  init(_ loss: LoggedLoss) {
    self.init()
    add("event", "step")
    add("epoch", loss.epoch)
    add("step", loss.step)
    add("loss", loss.loss)
  }

  /// The line of an epoch.
  /// - Parameter report: the same epoch with its speed; nil where nobody knows it any more.
  init(_ metrics: EpochMetrics, _ report: EpochReport? = nil) {
    self.init()
    add("event", "epoch")
    add("epoch", metrics.epoch)
    add("step", metrics.step)
    add("train_loss", metrics.trainLoss)
    add("train_auc", metrics.trainAUC)
    add("val_loss", metrics.validationLoss)
    add("val_auc_macro", metrics.validationAUCMacro)
    add("val_auc_micro", metrics.validationAUCMicro)
    add("val_pr_auc_macro", metrics.validationPRAUCMacro)
    add("val_auc_keras", metrics.validationAUCKeras)
    add("val_undefined_tags", metrics.undefinedTags)
    add("skipped_steps", metrics.skippedSteps ?? 0)
    add("songs_per_second", report?.songsPerSecond)
    add("epoch_seconds", report?.epochSeconds)
    add("world_size", report?.worldSize)
    add("compute_share", report?.times?.computing)
    add("reading_share", report?.times?.reading)
    add("waiting_share", report?.times?.waiting)
    add("unhidden_transfer_share", report?.times?.transfer)
    add("slowest_rank", report?.times?.slowest?.rank)
    add("slowest_rank_cost", report?.times?.slowest?.cost)
  }
}
