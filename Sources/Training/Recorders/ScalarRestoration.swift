import FileAccess
import Foundation
import TensorBoardEvents

/// The scalars of a run that goes on, as they must be: each once, with the values of the checkpoint and the times of the
/// event files so far, whatever has happened to these.
struct ScalarRestoration {
  /// In the order of the steps.
  private(set) var scalars: [StepScalar] = []
  /// Event files, all of whose scalars are among these.
  let superseded: [String]

  private struct Place: Hashable {
    let name: String
    let step: Int
  }

  init(folder: String, _ progress: RunProgress, now: Date = Date()) {
    var old: [Place: StepScalar] = [:]
    var superseded: [String] = []
    for path in StepScalar.eventFiles(in: folder) {
      guard let scalars = StepScalar.all(ofFile: path) else { continue }
      superseded.append(path)
      for var scalar in scalars {
        scalar.name = TensorBoardRecorder.formerNames[scalar.name] ?? scalar.name
        old[Place(name: scalar.name, step: scalar.step)] = scalar
      }
    }
    self.superseded = superseded
    scalars = Self.known(progress).map { name, step, value in
      let time = old.removeValue(forKey: Place(name: name, step: step))?.wallTime
      return StepScalar(name, step: step, value, wallTime: time ?? now.timeIntervalSince1970)
    }
    // Only the files know how fast an epoch was, and the losses of steps before checkpoints kept them.
    let epochEnds = Set(progress.history.map(\.step))
    let firstLogged = progress.loggedLosses.first?.step ?? .max
    scalars += old.values.filter { scalar in
      switch scalar.name {
      case TensorBoardRecorder.speed: epochEnds.contains(scalar.step)
      case TensorBoardRecorder.stepLoss: scalar.step <= progress.step && scalar.step < firstLogged
      default: false
      }
    }
    scalars.sort { ($0.step, $0.name) < ($1.step, $1.name) }
  }

  /// What the checkpoint knows.
  private static func known(_ progress: RunProgress) -> [(name: String, step: Int, value: Double)] {
    let losses = progress.loggedLosses.compactMap { loss in
      loss.loss.map { (TensorBoardRecorder.stepLoss, loss.step, $0) }
    }
    return losses
      + progress.history.flatMap { metrics in
        TensorBoardRecorder.scalars(of: metrics).map { ($0.name, metrics.step, $0.value) }
      }
  }

  /// Removes the files that are superseded, once their scalars stand in a new one.
  func removeSuperseded() { for path in superseded { removeFile(path) } }
}
