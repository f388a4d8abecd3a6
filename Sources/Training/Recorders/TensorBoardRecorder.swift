import TensorBoardEvents

/// `RUN/tensorboard/`: each epoch's metrics and the steps' losses, over steps, by the names of `metrics.jsonl`; beside them
/// the run's settings, and in `details/` what is no scalar.
public final class TensorBoardRecorder: RunRecorder {
  private let folder: String
  private let logEvery: Int
  private var file: EventFile?
  private var details: TensorBoardDetails?

  /// - Parameters:
  ///   - folder: where the event files go.
  ///   - logEvery: the loss every so many steps; 0: of epochs only.
  public init(folder: String, logEvery: Int) {
    self.folder = folder
    self.logEvery = logEvery
  }

  public func record(_ event: RunEvent) throws {
    switch event {
    case .started(let summary):
      details = try TensorBoardDetails(folder, summary, resumedAt: nil)
      file = try EventFile(folder: folder)
    case .resumed(let summary, _):
      details = try TensorBoardDetails(folder, summary, resumedAt: summary.progress.step)
      try goOn(from: summary.progress)
    case .step(let report) where logEvery > 0 && report.step % logEvery == 0:
      try file?.write([(Self.stepLoss, report.loss)], step: report.step)
    case .histograms(let report): try details?.write(report)
    case .epoch(let report):
      try write(report)
      try details?.write(report)
    default:
      // What a full disk did not take is tried again.
      try file?.flush()
    }
  }

  static let stepLoss = "loss"
  static let speed = "songs_per_second"
  /// What these were called of old.
  static let formerNames = ["loss/step": stepLoss, "speed/songs_per_second": speed]

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
      ("train_loss", metrics.trainLoss),
      ("val_loss", metrics.validationLoss),
      ("train_auc", metrics.trainAUC),
      ("val_auc_macro", metrics.validationAUCMacro),
      ("val_auc_micro", metrics.validationAUCMicro),
      ("val_auc_keras", metrics.validationAUCKeras),
      ("val_pr_auc_macro", metrics.validationPRAUCMacro),
    ]
    return scalars.compactMap { name, value in value.map { (name, $0) } }
  }
}
