import Diagnosis
import Kernels
import Segments

extension Architecture {
  /// The network as a list of layers: the one place that says which follow upon which.
  /// - Throws: `usage` for a shape that cannot be.
  public func network() throws -> Network { try network(convolution: winogradConvolution) }

  /// - Parameter convolution: makes the convolutions of many channels.
  package func network(convolution: @escaping ConvolutionMaker) throws -> Network {
    try validate()
    let blocks = zip(filters, pooling).enumerated().map { index, block in
      ConvolutionDescription(
        number: index + 1, filters: block.0, pooling: block.1, dropout: convolutionDropout)
    }
    let padding: [any Layer] = isPadded ? [ZeroPaddingLayer(before: zerosBefore, after: zerosAfter)] : []
    let columns = inputNormalization == .time ? paddedSegments : nil
    let convolutions: [any Layer] =
      padding + blocks.prefix(1).map { InputConvolutionLayer($0, normalizedColumns: columns) }
      + blocks.dropFirst().map { HiddenConvolutionLayer($0, convolution: convolution) }
    return Network(
      input: SignalShape(rows: frequencyBins, columns: segments, channels: inputChannels),
      convolutions + summaries,
      TagsLayer(tags: tags, dropout: finalDropout, auxiliary: auxiliary), architecture: self)
  }

  /// What makes one vector of a song of the convolutions' steps, and of what is known of it as a whole.
  private var summaries: [any Layer] {
    guard reading == .summary else {
      return [recurrentLayer("recurrent_1", .everyStep), recurrentLayer("recurrent_2", .lastStep)]
    }
    let recurrent = recurrentUnits
    var branches: [BranchesLayer.Branch] = []
    if let song {
      let dense = song.units.enumerated().map { index, units in
        NormalizedDenseLayer(
          number: index + 1, units: units, activation: song.activation,
          dropout: index + 1 < song.units.count ? song.dropout : 0)
      }
      branches.append(.ofSong([SongValuesLayer(values: song.values, dropout: song.inputDropout)] + dense))
    }
    if !filters.isEmpty {
      branches.append(.ofInput([TimeSummaryLayer()]))
      branches.append(
        .ofInput([BidirectionalLayer("recurrent") { RecurrentLayer($0, units: recurrent, returning: .lastStep) }]))
    }
    return [BranchesLayer(branches)]
  }

  private var isPadded: Bool { zerosBefore + zerosAfter > 0 }

  /// Columns of the longest song with the zeros around it.
  private var paddedSegments: Int { zerosBefore + segments + zerosAfter }

  private func recurrentLayer(_ name: String, _ returning: RecurrentLayer.Returning) -> any Layer {
    switch resetGate {
    case .after: RecurrentLayer(name, units: recurrentUnits, returning: returning)
    case .before: ResetBeforeRecurrentLayer(name, units: recurrentUnits, returning: returning)
    }
  }

  /// Refuses shapes that the network cannot have, naming the field, what was found and what was expected.
  public func validate() throws {
    func require(_ field: String, _ found: Int, _ range: ClosedRange<Int>) throws {
      guard range.contains(found) else {
        throw Failure(
          .usage, "\(field): found \(found), expected \(range.lowerBound) to \(range.upperBound)")
      }
    }
    func require(_ condition: Bool, _ message: @autoclosure () -> String) throws {
      if !condition { throw Failure(.usage, message()) }
    }
    try require("input rows", frequencyBins, 1...1_024)
    let isSongAlone = song != nil && reading == .summary && filters.isEmpty
    try require("input channels", inputChannels, (isSongAlone ? 0 : 1)...64)
    try require("tags", tags, 1...65_536)
    try require(
      SegmentLimits.taken.contains(segments), "segments: found \(segments), expected \(SegmentLimits.takenInWords)"
    )
    try require("zeros before a song", zerosBefore, 0...SegmentLimits.taken.upperBound)
    try require("zeros after a song", zerosAfter, 0...SegmentLimits.taken.upperBound)
    try require("recurrent_units", recurrentUnits, 1...8_192)
    try require(
      isSongAlone || (1...16).contains(filters.count), "filters: found \(filters.count) layers, expected 1 to 16")
    try require(
      filters.allSatisfy { (1...8_192).contains($0) }, "filters: found \(filters), expected 1 to 8192 each")
    try require(
      pooling.count == filters.count,
      "pooling: found \(pooling.count) windows for \(filters.count) convolutions, expected one for each")
    try require(
      pooling.allSatisfy { (1...16).contains($0.frequency) && (1...15).contains($0.time) },
      "pooling: every window's height must be 1 to 16 and its width 1 to 15")
    try require(
      song == nil || reading == .summary, "what is known of whole songs is taken by the model recommended alone")
    if let song {
      try require("values of a song", song.values, 1...65_536)
      try require(
        (1...16).contains(song.units.count) && song.units.allSatisfy { (1...8_192).contains($0) },
        "units of a song's dense layers: found \(song.units), expected 1 to 16 layers of 1 to 8192 each")
    }
    if let auxiliary {
      try require("auxiliary targets", auxiliary.outputs, 1...65_536)
      try require(
        auxiliary.weight > 0 && auxiliary.weight <= 1e6,
        "the weight of auxiliary targets: found \(auxiliary.weight), expected above 0, up to 1000000")
    }
    for rate in [convolutionDropout, finalDropout] + (song.map { [$0.inputDropout, $0.dropout] } ?? []) {
      try require(rate >= 0 && rate < 1, "dropout: found \(rate), expected 0 up to, but not, 1")
    }
    if !isSongAlone { try validatePooling() }
  }

  private func validatePooling() throws {
    var (rows, columns) = (frequencyBins, paddedSegments)
    for (index, window) in pooling.enumerated() {
      guard rows >= window.frequency, columns >= window.time else {
        throw Failure(
          .usage,
          "pooling of convolution \(index + 1): a window of \(window.frequency)×\(window.time) leaves nothing of "
            + "\(rows)×\(columns); the input has \(frequencyBins) rows and \(paddedSegments) columns")
      }
      (rows, columns) = (rows / window.frequency, columns / window.time)
    }
    guard rows == 1 else {
      throw Failure(
        .usage,
        "pooling: \(rows) rows are left for the recurrent layers, expected 1; the heights of the windows must "
          + "multiply to \(frequencyBins)")
    }
  }
}

extension Replica {
  /// A replica of an architecture's network.
  /// - Throws: `Failure` of kind `usage` for an architecture that cannot be.
  public convenience init(
    _ architecture: Architecture, maximumBatch: Int, maximumSegments: Int? = nil, threads: Int,
    gradientMemory: GradientMemory? = nil
  ) throws {
    try self.init(
      architecture.network(), maximumBatch: maximumBatch, maximumSegments: maximumSegments, threads: threads,
      gradientMemory: gradientMemory)
  }
}
