import TensorBoardEvents

/// `RUN/tensorboard/`: each epoch's metrics and the steps' losses, over steps.
public final class TensorBoardRecorder: RunRecorder {
  private let folder: String
  private let logEvery: Int
  private var file: EventFile?

  /// - Parameter logEvery: the loss every so many steps; 0: of epochs only.
  public init(folder: String, logEvery: Int) {
    self.folder = folder
    self.logEvery = logEvery
  }

  public func record(_ event: RunEvent) throws {
    switch event {
    case .started: file = try EventFile(folder: folder)
    case .resumed(let summary, _): try goOn(from: summary.progress)
    case .step(let report) where logEvery > 0 && report.step % logEvery == 0:
      try file?.write([(Self.stepLoss, report.loss)], step: report.step)
    case .epoch(let report): try write(report)
    default:
      // What a full disk did not take is tried again.
      try file?.flush()
    }
  }

  static let stepLoss = "loss/step"
  static let speed = "speed/songs_per_second"

  private func goOn(from progress: RunProgress) throws {
    let past = ScalarRestoration(folder: folder, progress)
    file = try EventFile(folder: folder, resumedAt: progress.step, beginningWith: past.scalars)
    past.removeSuperseded()
  }

  private func write(_ report: EpochReport) throws {
    let speed = report.songsPerSecond.map { [(Self.speed, $0)] } ?? []
    try file?.write(Self.scalars(of: report.metrics) + speed, step: report.metrics.step)
  }

  /// What there is of an epoch.
  static func scalars(of metrics: EpochMetrics) -> [(name: String, value: Double)] {
    let scalars: [(String, Double?)] = [
      ("epoch", Double(metrics.epoch)),
      ("loss/train", metrics.trainLoss),
      ("loss/validation", metrics.validationLoss),
      ("auc/train", metrics.trainAUC),
      ("auc/validation_macro", metrics.validationAUCMacro),
      ("auc/validation_micro", metrics.validationAUCMicro),
      ("auc/validation_keras", metrics.validationAUCKeras),
      ("pr_auc/validation_macro", metrics.validationPRAUCMacro),
    ]
    return scalars.compactMap { name, value in value.map { (name, $0) } }
  }
}
