import Diagnosis
import Networks
import Segments
import Tags

// The network that a configuration describes.

extension RunConfiguration {
  /// The network for songs of this length and this many tags.
  /// - Parameters:
  ///   - segments: of a song; of the longest, where songs differ.
  ///   - tags: how many there are.
  ///   - targets: how many auxiliary targets there are; nil: as many as are asked for.
  /// - Throws: `usage` for a shape that cannot be.
  public func architecture(segments: Int, tags: Int, auxiliary targets: Int? = nil) throws -> Architecture {
    let features = features ?? defaultFeatures
    try namedModel.check(features)
    var architecture = named(segments: segments, tags: tags, features)
    if let filters { architecture.filters = filters }
    if let recurrentUnits { architecture.recurrentUnits = recurrentUnits }
    if let pooling { architecture.pooling = pooling }
    if denseUnits != nil || denseActivation != nil {
      guard let song = architecture.song else {
        throw Failure(
          .usage,
          "\(denseUnits == nil ? "dense_activation" : "dense_units") is of no use: the network has no dense layers on what is "
            + "known of a whole song", remedy: "they are the model recommended's, with features such as keyless")
      }
      architecture.song?.units = denseUnits ?? song.units
      architecture.song?.activation = denseActivation ?? song.activation
    }
    if namedModel != .recommended {
      // A spectrogram has the bands that its network's windows leave one row of; a file of others is refused.
      architecture.frequencyBins =
        seesSpectrograms
        ? architecture.pooling.reduce(1) { min($0 * min(max($1.frequency, 1), 1 << 20), 1 << 20) } : Feature.rows
      architecture.inputChannels = features.features.count
    }
    if let padTo {
      guard padTo == 0 || padTo >= segments else {
        throw Failure(.usage, "pad_to: found \(padTo), expected at least the \(segments) columns of a song, or 0")
      }
      architecture.pad(to: padTo)
    }
    if let convolutionDropout { architecture.convolutionDropout = convolutionDropout }
    if let finalDropout { architecture.finalDropout = finalDropout }
    if let inputNormalization { architecture.inputNormalization = inputNormalization }
    if let resetGate { architecture.resetGate = resetGate }
    architecture.auxiliary = auxiliary.map {
      AuxiliaryHead(outputs: targets ?? $0.count, weight: auxiliaryWeight ?? Self.defaultAuxiliaryWeight)
    }
    try architecture.validate()
    return architecture
  }

  private func named(segments: Int, tags: Int, _ features: FeatureSelection) -> Architecture {
    switch namedModel {
    case .small: .small(segments: segments, tags: tags)
    case .large: .large(segments: segments, tags: tags)
    case .choi2016: .choi2016(frames: segments, tags: tags)
    case .choi2016Of12Rows: .choi2016Of12Rows(segments: segments, tags: tags)
    case .recommended:
      .recommended(segments: segments, channels: features.width, songValues: features.songWidth, tags: tags)
    }
  }

  static let defaultAuxiliaryWeight = 3.0

  /// What the model takes where nothing is said.
  private var defaultFeatures: FeatureSelection { seesSpectrograms ? .spectrogram : namedModel.features }

  /// The network that this configuration alone describes; a run takes length and tags from its data.
  public func architecture() throws -> Architecture {
    let count =
      switch try VocabularyRule(tags ?? "paper") {
      case .paper: Vocabulary.paper.count
      case .top(let count): count
      case .list(let path): try Vocabulary(listAt: path).count
      }
    return try architecture(segments: segments?.count ?? defaultColumns, tags: count)
  }

  /// The shortest of the paper's three lengths.
  public static let defaultSegments = 252

  /// Columns of a song where nothing tells how many.
  var defaultColumns: Int {
    guard seesSpectrograms else { return Self.defaultSegments }
    return min(Architecture.originalFrames, padTo.flatMap { $0 > 0 ? $0 : nil } ?? .max)
  }

  /// With what the network sees filled in, for weights that come without songs.
  package var withoutSongs: RunConfiguration {
    var configuration = self
    configuration.features = features ?? defaultFeatures
    configuration.segments = segments ?? .count(defaultColumns)
    configuration.model = namedModel
    return configuration
  }

  /// The model, with what `choi2016` said of segments before there were spectrograms: configurations and checkpoints of
  /// then go on to mean the network that is called choi2016-12 now.
  var namedModel: Model {
    guard model == .choi2016 else { return model }
    if let features { return features.isOfSegments ? .choi2016Of12Rows : .choi2016 }
    let isOfSegments = msd != nil || (segments != nil && segments != .count(Architecture.originalFrames))
    return isOfSegments ? .choi2016Of12Rows : .choi2016
  }

  /// Whether its songs are spectrograms, so far as the configuration alone tells.
  var seesSpectrograms: Bool { features == .spectrogram || (features == nil && namedModel == .choi2016) }
}
