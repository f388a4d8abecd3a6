import Diagnosis
import Kernels

/// Height and width of a max-pooling window; the stride is the window, the remainder is cut off.
public struct PoolingSize: Equatable, Hashable, Sendable, Codable {
  /// Along the rows.
  public var frequency: Int
  /// Along the segments.
  public var time: Int

  public init(frequency: Int, time: Int) {
    self.frequency = frequency
    self.time = time
  }
}

/// The axis of the input that every value of has a mean, a deviation, γ and β of its own in the first batch norm.
public enum InputAxis: String, Sendable, Codable, CaseIterable {
  /// Rows: pitch classes, timbre coefficients, bands.
  case frequency
  /// Columns: all songs must be equally long.
  case time
}

/// Where a gated recurrent unit applies its reset gate.
public enum ResetGate: String, Sendable, Codable, CaseIterable {
  /// To the recurrent product: a gate has two biases.
  case after
  /// To the state, before the product: a gate has one bias.
  case before
}

/// The shape of a convolutional-recurrent tagger: Choi, Fazekas, Sandler and Cho, "Convolutional recurrent
/// neural networks for music classification", 2016, for inputs of any number of rows and channels.
///
/// `[batch, rows, segments, channels]` → zeros before and after → batch norm over each row (or column) of each
/// channel → for each entry of `filters`: convolution 3×3 same → batch norm → ELU → max pooling → dropout → GRU, all steps → GRU, last step → dropout →
/// dense → sigmoid.
public struct Architecture: Equatable, Sendable, Codable {
  /// Rows of the input: pitch classes, or timbre coefficients, or bands of a spectrogram.
  public var frequencyBins: Int
  /// Values at each row and segment: the features, pitches or timbre, or both.
  public var inputChannels: Int
  /// Columns of the input: segments of a song; of the longest, where songs differ.
  public var segments: Int
  /// Channels of each convolution.
  public var filters: [Int]
  /// One window for each convolution.
  public var pooling: [PoolingSize]
  /// Units of both GRU layers.
  public var recurrentUnits: Int
  /// Outputs.
  public var tags: Int
  /// Columns of zeros before and after every song; they count in the batch norm.
  public var zerosBefore = 0
  public var zerosAfter = 0
  /// What the first batch norm has parameters for.
  public var inputNormalization = InputAxis.frequency
  /// Of both GRU layers.
  public var resetGate = ResetGate.after
  /// Share of the values dropped after each pooling in training.
  public var convolutionDropout = 0.1
  /// Share of the values dropped before the dense layer in training.
  public var finalDropout = 0.3
  /// What is made of the convolutions' steps; nil: what two recurrent layers have left at the last one.
  public var reading: TimeReading?
  /// A branch beside the convolutions for what is known of the whole song; nil: there is none.
  public var song: SongBranch?
  /// A head of its own for other targets than the tags; nil: there is none.
  public var auxiliary: AuxiliaryHead?

  public init(
    rows: Int, channels: Int = 1, segments: Int, filters: [Int], pooling: [PoolingSize], recurrentUnits: Int,
    tags: Int
  ) {
    frequencyBins = rows
    inputChannels = channels
    self.segments = segments
    self.filters = filters
    self.pooling = pooling
    self.recurrentUnits = recurrentUnits
    self.tags = tags
  }
}

// MARK: - Published networks

extension Architecture {
  /// Pooling of the paper's two networks: 12 pitch classes become 1, L segments L/12.
  public static let paperPooling = [
    PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 3, time: 3),
  ]

  /// 81,314 trainable and 384 other parameters with 50 tags.
  public static func small(segments: Int, tags: Int) -> Architecture {
    fitted(paperPooling, segments: segments, filters: [60, 60, 60], recurrentUnits: 30, tags: tags)
  }

  /// 2,514,154 trainable and 2,058 other parameters with 50 tags.
  public static func large(segments: Int, tags: Int) -> Architecture {
    fitted(paperPooling, segments: segments, filters: [339, 339, 339], recurrentUnits: 169, tags: tags)
  }

  /// Choi's four convolutions fitted to the 12 rows of pitches: windows of 2×2, 2×2, 3×3, 1×2.
  public static func choi2016Of12Rows(segments: Int, tags: Int) -> Architecture {
    fitted(
      paperPooling + [PoolingSize(frequency: 1, time: 2)], segments: segments, filters: [64, 128, 128, 128],
      recurrentUnits: 32, tags: tags)
  }

  /// Pooling of the original network: 96 bands become 1, 1,440 frames 15.
  public static let originalPooling = [
    PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 3, time: 3), PoolingSize(frequency: 4, time: 4),
    PoolingSize(frequency: 4, time: 4),
  ]

  /// Frames of the original network's spectrogram: 29.12 s at 12 kHz, one each 256 samples.
  public static let originalFrames = 1_366
  /// Frames that they are brought to by zeros.
  public static let originalColumns = 1_440

  /// The original network as its author released it: mel spectrograms of 96 bands and 1,366 frames, normalised over
  /// the 1,440 time steps; 396,786 trainable parameters with 50 tags.
  public static func choi2016(frames: Int = originalFrames, tags: Int) -> Architecture {
    var network = fitted(
      originalPooling, segments: frames, filters: [64, 128, 128, 128], recurrentUnits: 32, tags: tags)
    network.inputNormalization = .time
    network.resetGate = .before
    network.pad(to: originalColumns)
    return network
  }

  /// Puts as many zeros before as after, the odd one after; none where there are columns enough.
  public mutating func pad(to columns: Int) {
    let missing = max(0, columns - segments)
    (zerosBefore, zerosAfter) = (missing / 2, missing - missing / 2)
  }

  /// What is recommended for songs of artists never heard: two dense layers on what is known of the whole song, beside
  /// convolutions over time, with every value of a segment for a channel, of whose output mean and maximum over time
  /// stand beside a bidirectional GRU.
  /// - Parameters:
  ///   - segments: of a song; of the longest, where songs differ.
  ///   - channels: values of a segment; 0: there are no convolutions.
  ///   - songValues: numbers of a song; 0: there are no dense layers.
  ///   - tags: how many there are.
  public static func recommended(segments: Int, channels: Int, songValues: Int, tags: Int) -> Architecture {
    let window = PoolingSize(frequency: 1, time: 4)
    var architecture = Architecture(
      rows: 1, channels: channels, segments: segments, filters: channels > 0 ? [32, 32] : [],
      pooling: channels > 0 ? [window, window] : [], recurrentUnits: 16, tags: tags)
    architecture.reading = .summary
    architecture.finalDropout = 0.5
    if songValues > 0 {
      architecture.song = SongBranch(values: songValues, units: [256, 256])
      architecture.song?.activation = .relu
    }
    return architecture
  }

  /// A network of one channel and of as many rows as the windows leave one of.
  private static func fitted(
    _ pooling: [PoolingSize], segments: Int, filters: [Int], recurrentUnits: Int, tags: Int
  ) -> Architecture {
    Architecture(
      rows: pooling.reduce(1) { $0 * $1.frequency }, segments: segments, filters: filters, pooling: pooling,
      recurrentUnits: recurrentUnits, tags: tags)
  }
}

// MARK: - In checkpoints

extension Architecture {
  /// Networks of before there was a choice do not say that they have one channel, no zeros around songs, and so on.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      rows: try container.decode(Int.self, forKey: .frequencyBins),
      channels: try container.decodeIfPresent(Int.self, forKey: .inputChannels) ?? 1,
      segments: try container.decode(Int.self, forKey: .segments),
      filters: try container.decode([Int].self, forKey: .filters),
      pooling: try container.decode([PoolingSize].self, forKey: .pooling),
      recurrentUnits: try container.decode(Int.self, forKey: .recurrentUnits),
      tags: try container.decode(Int.self, forKey: .tags))
    zerosBefore = try container.decodeIfPresent(Int.self, forKey: .zerosBefore) ?? 0
    zerosAfter = try container.decodeIfPresent(Int.self, forKey: .zerosAfter) ?? 0
    inputNormalization =
      try container.decodeIfPresent(InputAxis.self, forKey: .inputNormalization) ?? .frequency
    resetGate = try container.decodeIfPresent(ResetGate.self, forKey: .resetGate) ?? .after
    convolutionDropout = try container.decode(Double.self, forKey: .convolutionDropout)
    finalDropout = try container.decode(Double.self, forKey: .finalDropout)
    reading = try container.decodeIfPresent(TimeReading.self, forKey: .reading)
    song = try container.decodeIfPresent(SongBranch.self, forKey: .song)
    auxiliary = try container.decodeIfPresent(AuxiliaryHead.self, forKey: .auxiliary)
  }
}
