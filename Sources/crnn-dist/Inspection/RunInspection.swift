import Checkpointing
import Diagnosis
import FileAccess
import Foundation
import Training

/// A run's folder: its options, how far it has come, and which checkpoints it holds.
struct RunInspection: Inspection {
  private let path: String
  private let configuration: RunConfiguration
  private let checkpoints: [String]
  /// Nil before the first whole one.
  private let newest: StoredModel?
  private let history: [EpochMetrics]

  /// Whether a folder holds a run: its options and the folder of its checkpoints.
  static func isRun(_ path: String) -> Bool {
    let folder = RunFolder(path)
    return (try? PathKind(of: folder.configuration)) == .file && (try? PathKind(of: folder.checkpoints)) == .folder
  }

  /// - Throws: `usage` where its configuration cannot be read, `missingInput` where a checkpoint cannot.
  init(_ path: String) throws {
    let folder = RunFolder(path)
    var configuration = RunConfiguration()
    try configuration.apply(yamlFile: folder.configuration)
    self.path = path
    self.configuration = configuration
    checkpoints = try folder.checkpointNames
    newest = try Checkpoint.newestGood(in: folder.checkpoints).newest.map { try StoredModel($0) }
    history = try newest?.history() ?? []
  }

  private enum Key: String, CodingKey {
    case kind, configuration, checkpoints, newest, epoch, step, history
    case bestEpoch = "best_epoch"
    case epochs
  }

  private var bestEpoch: Int? { newest?.checkpoint.integers["best_epoch"].flatMap { $0 > 0 ? $0 : nil } }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode("run", forKey: .kind)
    try document.encode(configuration, forKey: .configuration)
    try document.encode(checkpoints, forKey: .checkpoints)
    try document.encode(newest.map { ($0.checkpoint.source as NSString).lastPathComponent }, forKey: .newest)
    try document.encode(newest?.finishedEpochs ?? 0, forKey: .epoch)
    try document.encode(configuration.epochs, forKey: .epochs)
    try document.encode(newest?.checkpoint.integers["step"] ?? 0, forKey: .step)
    try document.encode(bestEpoch, forKey: .bestEpoch)
    try document.encode(history, forKey: .history)
  }

  var text: String {
    var rows = [
      ("a run", ""),
      ("songs from", configuration.data ?? configuration.msd ?? "unknown"),
      ("model", configuration.model.rawValue), ("split", configuration.split),
      ("finished", "\(newest?.finishedEpochs ?? 0) of \(counted(configuration.epochs, "epoch"))"),
    ]
    if let best = history.first(where: { $0.epoch == bestEpoch }), let auc = best.validationAUCMacro {
      rows.append(("best", "epoch \(best.epoch): validation AUC \(String(format: "%.4f", auc)) macro"))
    }
    if let last = history.last, let auc = last.validationAUCMacro {
      rows.append(("last", "epoch \(last.epoch): validation AUC \(String(format: "%.4f", auc)) macro"))
    }
    let names = checkpoints.suffix(4).joined(separator: ", ")
    rows.append(("checkpoints", checkpoints.isEmpty ? "none" : "\(checkpoints.count), among them \(names)"))
    return table(rows)
  }
}
