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
    let checkpoint = model.checkpoint
    // The head of auxiliary targets is of use in training alone.
    var architecture = model.architecture
    architecture.auxiliary = nil
    try self.init(
      architecture.network(),
      inputs: Self.inputs(input.features) { feature in
        feature.map { input.standardization[$0] } ?? input.songStandardization
      },
      tags: model.tags, thresholds: model.thresholds, provenance: Provenance(model, input)
    ) { declaration, isStatistic in
      try checkpoint.finiteValues(
        (isStatistic ? StoredModel.Group.movingStatistics : StoredModel.Group.weights) + "/" + declaration.name,
        shape: declaration.shape)
    }
  }

  /// The inputs of a network that sees these features: those of segments, then one of all that is known of whole songs.
  /// - Parameter scale: of a feature of segments, or of whole songs.
  static func inputs(_ features: FeatureSelection, scale: (Feature?) -> Standardization?) -> [Input] {
    let ofSegments = features.features.map { feature in
      // The bands of a spectrogram are the network's rows.
      Input(
        name: feature.rawValue, width: feature == .spectrogram ? nil : feature.width,
        standardization: scale(feature))
    }
    guard features.songWidth > 0 else { return ofSegments }
    return ofSegments
      + [Input(name: "song", width: features.songWidth, isOfSong: true, standardization: scale(nil))]
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
