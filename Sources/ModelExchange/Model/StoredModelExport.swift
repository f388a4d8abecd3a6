import Checkpointing
import Diagnosis
import Networks
import Segments
import Training

extension PortableModel {
  /// A checkpoint's network.
  /// - Throws: `badData` where a weight is missing, of another shape or no number; `usage` where it has a layer that other
  ///   tools do not have.
  public init(_ model: StoredModel) throws {
    let input = try model.input()
    guard model.architecture.isSequential else {
      throw Failure(
        .usage, "\(model.checkpoint.source): other formats have no room yet for a network of a song's facts or moments",
        remedy: "export networks of the models small, large, choi2016 and choi2016-12")
    }
    let checkpoint = model.checkpoint
    try self.init(
      model.network,
      inputs: input.features.features.map { feature in
        Input(name: feature.rawValue, standardization: input.standardization[feature])
      },
      tags: model.tags, provenance: Provenance(model, input)
    ) { declaration, isStatistic in
      try checkpoint.finiteValues(
        (isStatistic ? StoredModel.Group.movingStatistics : StoredModel.Group.weights) + "/" + declaration.name,
        shape: declaration.shape)
    }
  }
}

extension Provenance {
  init(_ model: StoredModel, _ input: SongInput) throws {
    self.init()
    songs.segments = input.segments
    songs.crop = input.crop
    songs.longest = input.longest
    let checkpoint = model.checkpoint
    texts = ["architecture", "configuration", "data_identity", "program_version", "split_identity"]
      .compactMap { name in checkpoint.texts[name].map { (name, $0) } }
    texts.append(("checkpoint_checksum", checkpoint.checksum))
    if let step = checkpoint.integers["step"] { texts.append(("step", "\(step)")) }
    if let last = try model.history().last {
      texts.append(("epoch", "\(last.epoch)"))
      for (name, value) in [
        ("train_auc", last.trainAUC), ("val_auc_macro", last.validationAUCMacro),
        ("val_auc_micro", last.validationAUCMicro), ("val_loss", last.validationLoss),
        ("val_pr_auc_macro", last.validationPRAUCMacro),
      ] where value?.isFinite ?? false { metrics[name] = value }
    }
    texts.sort { $0.name < $1.name }
  }
}
