import Diagnosis
import Networks
import Training

/// A configuration's or a checkpoint's network, layer by layer.
struct NetworkInspection: Inspection {
  let kind: String
  let segments: Int
  let outputs: Int
  let layers: [LayerSummary]
  let trainable: Int
  let nonTrainable: Int
  /// Where the run stood; only of a checkpoint of a run.
  let checkpoint: CheckpointFacts?

  struct CheckpointFacts: Encodable {
    let tags: [String]
    let epoch: Int?
    let step: Int?
    let bestEpoch: Int?
    let dataIdentity: String?
    let splitIdentity: String?
    let programVersion: String?
    let configuration: RunConfiguration?
    let history: [EpochMetrics]

    enum CodingKeys: String, CodingKey {
      case tags, epoch, step, configuration, history
      case bestEpoch = "best_epoch"
      case dataIdentity = "data_identity"
      case splitIdentity = "split_identity"
      case programVersion = "program_version"
    }
  }

  enum CodingKeys: String, CodingKey {
    case kind, segments, layers, trainable, checkpoint
    case outputs = "tag_count"
    case nonTrainable = "non_trainable"
  }

  private init(kind: String, _ network: Network, _ checkpoint: CheckpointFacts? = nil) {
    self.kind = kind
    segments = network.segments
    outputs = network.tags
    layers = network.summary
    trainable = network.trainableParameters
    nonTrainable = network.nonTrainableParameters
    self.checkpoint = checkpoint
  }

  init(configurationAt path: String) throws {
    var configuration = RunConfiguration()
    try configuration.apply(yamlFile: path)
    self.init(kind: "configuration", try configuration.architecture().network())
  }

  init(checkpointAt path: String) throws {
    let model = try StoredModel.read(path)
    let stored = model.checkpoint
    self.init(
      kind: "checkpoint", model.network,
      CheckpointFacts(
        tags: model.tags, epoch: model.finishedEpochs, step: stored.integers["step"],
        bestEpoch: stored.integers["best_epoch"], dataIdentity: model.dataIdentity,
        splitIdentity: model.splitIdentity, programVersion: stored.texts[StoredModel.Key.programVersion],
        configuration: stored.texts[StoredModel.Key.configuration] == nil ? nil : try model.configuration(),
        history: try model.history()))
  }

  var text: String {
    let shapes = layers.map { layer in layer.outputShape.map(String.init).joined(separator: " × ") }
    func column(_ title: String, _ cells: [String], right: Bool = false) -> [String] {
      let width = ([title] + cells).map(\.count).max() ?? 0
      return ([title] + cells).map { cell in
        right ? cell.leftPadded(to: width) : cell + String(repeating: " ", count: width - cell.count)
      }
    }
    let columns = [
      column("layer", layers.map(\.name)), column("kind", layers.map(\.kind)), column("output", shapes),
      column("trainable", layers.map { "\($0.trainable)" }, right: true),
      column("not", layers.map { "\($0.nonTrainable)" }, right: true),
    ]
    let lines = columns[0].indices.map { row in columns.map { $0[row] }.joined(separator: "  ") }
    return "\(heading)\n\n\(lines.joined(separator: "\n"))\n\ntrainable \(trainable), not \(nonTrainable)"
  }

  private var heading: String {
    guard let checkpoint else { return "a configuration: \(segments) segments, \(outputs) tags" }
    var rows = [("a checkpoint", "made by crnn-dist \(checkpoint.programVersion ?? "of unknown version")")]
    if let step = checkpoint.step, let epoch = checkpoint.epoch {
      rows.append(("finished", "epoch \(epoch), after step \(step)"))
    }
    if let last = checkpoint.history.last, let auc = last.validationAUCMacro {
      rows.append(("validation AUC", "\(auc) macro, in epoch \(last.epoch)"))
    }
    rows.append(("segments", "\(segments) of each song"))
    rows.append(("songs' identity", checkpoint.dataIdentity ?? "unknown"))
    rows.append(("tags", checkpoint.tags.joined(separator: ", ")))
    return table(rows)
  }
}
