import Diagnosis

/// Height and width of a max-pooling window; the stride is the window, the remainder is cut off.
public struct PoolingSize: Equatable, Hashable, Sendable, Codable {
  /// Along the pitch classes.
  public var frequency: Int
  /// Along the segments.
  public var time: Int

  public init(frequency: Int, time: Int) {
    self.frequency = frequency
    self.time = time
  }
}

/// The shape of a convolutional-recurrent tagger: Choi, Fazekas, Sandler and Cho, "Convolutional recurrent
/// neural networks for music classification", 2016, adapted to 12 pitch classes.
///
/// `[batch, 12, segments, channels]` → batch norm over each row of each channel → for each entry of `filters`: convolution
/// 3×3 same → batch norm → ELU → max pooling → dropout → GRU, all steps → GRU, last step → dropout → dense →
/// sigmoid.
public struct Architecture: Equatable, Sendable, Codable {
  /// Pitch classes of an Echo Nest segment.
  public static let pitchClasses = 12
  /// Rows of the input: the pitch classes.
  public var frequencyBins = Architecture.pitchClasses
  /// Features of each segment, 12 values each: pitches or timbre, or both.
  public var inputChannels = 1
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
  /// Share of the values dropped after each pooling in training.
  public var convolutionDropout = 0.1
  /// Share of the values dropped before the dense layer in training.
  public var finalDropout = 0.3

  public init(segments: Int, filters: [Int], pooling: [PoolingSize], recurrentUnits: Int, tags: Int) {
    self.segments = segments
    self.filters = filters
    self.pooling = pooling
    self.recurrentUnits = recurrentUnits
    self.tags = tags
  }

  /// Pooling of the paper's two networks: 12 pitch classes become 1, L segments L/12.
  public static let paperPooling = [
    PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 2, time: 2), PoolingSize(frequency: 3, time: 3),
  ]

  /// 81,314 trainable and 384 other parameters with 50 tags.
  public static func small(segments: Int, tags: Int) -> Architecture {
    Architecture(
      segments: segments, filters: [60, 60, 60], pooling: paperPooling, recurrentUnits: 30, tags: tags)
  }

  /// 2,514,154 trainable and 2,058 other parameters with 50 tags.
  public static func large(segments: Int, tags: Int) -> Architecture {
    Architecture(
      segments: segments, filters: [339, 339, 339], pooling: paperPooling, recurrentUnits: 169, tags: tags)
  }

  /// Choi's four convolutions of 64, 128, 128, 128 channels and 32 recurrent units; the windows are fitted to
  /// 12 rows: 2×2, 2×2, 3×3, 1×2.
  public static func choi2016(segments: Int, tags: Int) -> Architecture {
    Architecture(
      segments: segments, filters: [64, 128, 128, 128],
      pooling: paperPooling + [PoolingSize(frequency: 1, time: 2)], recurrentUnits: 32, tags: tags)
  }
}

extension Architecture {
  /// Networks of before there were several channels do not say that they have one.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      segments: try container.decode(Int.self, forKey: .segments),
      filters: try container.decode([Int].self, forKey: .filters),
      pooling: try container.decode([PoolingSize].self, forKey: .pooling),
      recurrentUnits: try container.decode(Int.self, forKey: .recurrentUnits),
      tags: try container.decode(Int.self, forKey: .tags))
    frequencyBins = try container.decode(Int.self, forKey: .frequencyBins)
    inputChannels = try container.decodeIfPresent(Int.self, forKey: .inputChannels) ?? 1
    convolutionDropout = try container.decode(Double.self, forKey: .convolutionDropout)
    finalDropout = try container.decode(Double.self, forKey: .finalDropout)
  }

  /// Input and output sizes of one convolution block, pooling included.
  public struct ConvolutionShape: Equatable, Sendable {
    public var rows: Int
    public var columns: Int
    public var inputChannels: Int
    public var outputChannels: Int
    public var pooling: PoolingSize
    public var pooledRows: Int { rows / pooling.frequency }
    public var pooledColumns: Int { columns / pooling.time }
  }

  /// The convolution blocks in order.
  public var convolutions: [ConvolutionShape] {
    var rows = frequencyBins
    var columns = segments
    var channels = inputChannels
    return zip(filters, pooling).map { outputs, window in
      let shape = ConvolutionShape(
        rows: rows, columns: columns, inputChannels: channels, outputChannels: outputs, pooling: window)
      rows = shape.pooledRows
      columns = shape.pooledColumns
      channels = outputs
      return shape
    }
  }

  /// Values of a segment.
  public var segmentWidth: Int { frequencyBins * inputChannels }

  /// Columns that each block makes of a song of some length, and the least length that leaves a step.
  public func pooledColumns(segments: Int) -> [Int] {
    var columns = segments
    return pooling.map { window in
      columns /= window.time
      return columns
    }
  }
  public var shortestSong: Int { pooling.reduce(1) { $0 * $1.time } }

  /// Steps that the recurrent layers see.
  public var recurrentSteps: Int { convolutions.last?.pooledColumns ?? segments }

  /// Refuses shapes that the network cannot have, naming the field, what was found and what was expected.
  public func validate() throws {
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw Failure(.usage, message()) }
    }
    try require((1...8).contains(inputChannels), "input channels: found \(inputChannels), expected 1 to 8")
    try require((1...65_536).contains(tags), "tags: found \(tags), expected 1 to 65536")
    try require((1...1_048_576).contains(segments), "segments: found \(segments), expected 1 to 1048576")
    try require(
      (1...8_192).contains(recurrentUnits), "recurrent_units: found \(recurrentUnits), expected 1 to 8192")
    try require((1...16).contains(filters.count), "filters: found \(filters.count) layers, expected 1 to 16")
    try require(
      filters.allSatisfy { (1...8_192).contains($0) }, "filters: found \(filters), expected 1 to 8192 each")
    try require(
      pooling.count == filters.count,
      "pooling: found \(pooling.count) windows for \(filters.count) convolutions, expected one for each")
    try require(
      pooling.allSatisfy { (1...16).contains($0.frequency) && (1...15).contains($0.time) },
      "pooling: every window's height must be 1 to 16 and its width 1 to 15")
    for rate in [convolutionDropout, finalDropout] {
      try require(rate >= 0 && rate < 1, "dropout: found \(rate), expected 0 up to, but not, 1")
    }
    for (index, shape) in convolutions.enumerated() {
      try require(
        shape.pooledRows > 0 && shape.pooledColumns > 0,
        "pooling of convolution \(index + 1): a window of \(shape.pooling.frequency)×\(shape.pooling.time) "
          + "leaves nothing of \(shape.rows)×\(shape.columns); the input has \(frequencyBins) pitch classes "
          + "and \(segments) segments")
    }
    try require(
      convolutions.last!.pooledRows == 1,
      "pooling: \(convolutions.last!.pooledRows) rows are left for the recurrent layers, expected 1; the heights "
        + "of the windows must multiply to \(frequencyBins)")
  }
}
