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
    case .resumed(let summary, _): file = try EventFile(folder: folder, resumedAt: summary.progress.step)
    case .step(let report) where logEvery > 0 && report.step % logEvery == 0:
      try file?.write([("loss/step", report.loss)], step: report.step)
    case .epoch(let report): try write(report)
    default: break
    }
  }

  private func write(_ report: EpochReport) throws {
    let metrics = report.metrics
    let scalars: [(String, Double?)] = [
      ("epoch", Double(metrics.epoch)),
      ("loss/train", metrics.trainLoss),
      ("loss/validation", metrics.validationLoss),
      ("auc/train", metrics.trainAUC),
      ("auc/validation_macro", metrics.validationAUCMacro),
      ("auc/validation_micro", metrics.validationAUCMicro),
      ("auc/validation_keras", metrics.validationAUCKeras),
      ("pr_auc/validation_macro", metrics.validationPRAUCMacro),
      ("speed/songs_per_second", report.songsPerSecond),
    ]
    try file?.write(scalars.compactMap { name, value in value.map { (name, $0) } }, step: metrics.step)
  }
}
