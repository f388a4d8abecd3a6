import Diagnosis
import Networks
import Segments
import Tags

// The network that a configuration describes.

extension RunConfiguration {
  /// The network for songs of this length and this many tags.
  /// - Throws: `usage` for a shape that cannot be.
  public func architecture(segments: Int, tags: Int) throws -> Architecture {
    var architecture =
      switch namedModel {
      case .small: Architecture.small(segments: segments, tags: tags)
      case .large: Architecture.large(segments: segments, tags: tags)
      case .choi2016: Architecture.choi2016(frames: segments, tags: tags)
      case .choi2016Of12Rows: Architecture.choi2016Of12Rows(segments: segments, tags: tags)
      }
    if let filters { architecture.filters = filters }
    if let recurrentUnits { architecture.recurrentUnits = recurrentUnits }
    if let pooling { architecture.pooling = pooling }
    // A spectrogram has the bands that its network's windows leave one row of; a file of others is refused.
    architecture.frequencyBins =
      seesSpectrograms
      ? architecture.pooling.reduce(1) { min($0 * min(max($1.frequency, 1), 1 << 20), 1 << 20) } : Feature.width
    architecture.inputChannels = (features ?? .pitches).features.count
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
    try architecture.validate()
    return architecture
  }

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
    configuration.features = features ?? (seesSpectrograms ? .spectrogram : .pitches)
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
