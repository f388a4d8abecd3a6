import Kernels

/// The first block, with the batch norm that stands before it: over each row of each input channel, a pitch class or
/// a timbre coefficient.
final class InputConvolutionBlock: ConvolutionBlock {
  private let convolution: InputConvolution
  private let inference: InputInference
  /// Songs as rows, normalised: x̂; and γ x̂ + β of them. Where a song stands in them is in `places`.
  private let normalized: AlignedBuffer
  private let affine: AlignedBuffer
  private var places: [InputConvolution.Song] = []
  private let songMoments: AlignedBuffer
  private var rowMoments: [Double]
  private var moments: PatchMoments
  private let sparse: AlignedSums
  private let input: InputTensors

  init(
    shape: Architecture.ConvolutionShape, tensors: BlockTensors, input: InputTensors, maximumBatch: Int,
    maximumColumns: Int, team: ThreadTeam
  ) {
    self.input = input
    convolution = InputConvolution(
      frequencies: shape.rows, inputs: shape.inputChannels, channels: shape.outputChannels,
      windowRows: shape.pooling.frequency, windowColumns: shape.pooling.time, team: team)
    inference = InputInference(
      frequencies: shape.rows, inputs: shape.inputChannels, channels: shape.outputChannels,
      windowRows: shape.pooling.frequency, windowColumns: shape.pooling.time)
    // Rows are padded to whole vectors and have margins; no set of songs needs more than this.
    let columns = maximumColumns + maximumBatch * 3 * vectorWidth
    let count = shape.inputChannels * (shape.rows + 2) * columns + vectorWidth
    normalized = AlignedBuffer(count: count)
    affine = AlignedBuffer(count: count)
    sparse = AlignedSums(count: convolution.sparseCount)
    moments = PatchMoments(rows: shape.rows, inputs: shape.inputChannels)
    songMoments = AlignedBuffer(count: maximumBatch * moments.count)
    rowMoments = Array(repeating: 0, count: maximumBatch * 2 * shape.rows * shape.inputChannels)
    super.init(
      index: 0, shape: shape, tensors: tensors, maximumBatch: maximumBatch, maximumColumns: maximumColumns,
      team: team)
  }

  func forward(
    _ batch: Batch, _ batchShape: BatchShape, dropout: DropoutMask?,
    statistics: (any BatchStatisticsReduction)?
  ) throws {
    try team.measure("input and its batch norm", inputWork(batch, passes: 6)) {
      load(batch, batchShape)
      try normalizeInput(statistics: statistics)
    }
    moments = PatchMoments(rows: shape.rows, inputs: shape.inputChannels)
    team.measure("patch moments", inputWork(batch, passes: 1)) {
      let count = moments.count
      team.forEach(batch.count) { song in
        PatchMoments.measure(
          self.normalized.start + self.places[song].rowsOffset, input: self.places[song].input,
          to: self.songMoments.start + song * count)
      }
      for song in 0..<batch.count {
        moments.add(songMoments.start + song * count, segments: batch.segments[song])
      }
    }
    convolve()
    let patches = moments.affineMoments(gamma: input.gamma, beta: input.beta)
    let map = convolution.mapMoments(first: patches.first, second: patches.second)
    try normalizeBatch(batchShape, sums: map.sums, squares: map.squares, statistics: statistics)
    activate(batchShape, songs: batch.songs, dropout: dropout)
  }

  /// Both batch norms use the moving statistics: the input's is one affine map of each pitch class, which the zeros
  /// around the song keep out of the weights; the one behind the convolution is folded into them.
  func infer(_ batch: Batch, _ batchShape: BatchShape) {
    team.measure("input and its batch norm", inputWork(batch, passes: 2)) { load(batch, batchShape) }
    let parameters = 0..<parameterCount
    let scales = parameters.map {
      Float(
        Double(input.gamma[$0]) / (Double(input.movingVariance[$0]) + ChannelNormalization.epsilon).squareRoot())
    }
    let shifts = parameters.map { input.beta[$0] - input.movingMean[$0] * scales[$0] }
    foldMovingStatistics()
    inference.prepareWeights(tensors.kernel, factors: normalization.scale)
    team.measure("convolution, pooling, ELU", convolutionWork()) {
      team.forEach(places.count) { song in
        let place = self.places[song]
        let rows = self.affine.start + place.rowsOffset
        place.input.affine(self.normalized.start + place.rowsOffset, gamma: scales, beta: shifts, to: rows)
        self.inference.run(
          rows, input: place.input, shift: self.normalization.shift, to: self.activated.start + place.pooledOffset)
      }
    }
  }

  func backward(
    _ batch: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?
  ) throws {
    try differentiateActivation(batch, dropout: dropout, statistics: statistics)
    team.measure("gradient of the argmax", convolutionWork()) {
      convolution.sparseMoments(
        normalized.start, songs: places, pooledGradient: gradient.start, argmax: argmax, to: sparse.start)
    }
    let result = team.measure("gradient of the rest") {
      convolution.gradient(
        sparse: sparse.start, moments: moments, gamma: input.gamma, beta: input.beta,
        signs: normalization.signs, scale: normalization.scale, constant: normalization.constant,
        slope: normalization.slope)
    }
    tensors.kernelGradient.update(from: result.kernel, count: result.kernel.count)
    input.gammaGradient.update(from: result.gamma, count: parameterCount)
    input.betaGradient.update(from: result.beta, count: parameterCount)
  }

  /// Rows of all input channels.
  private var width: Int { shape.rows * shape.inputChannels }

  /// Parameters of the input's batch norm, those of each channel padded to whole vectors.
  private var parameterCount: Int { shape.inputChannels * padded(shape.rows) }

  /// Bytes that so many passes over the songs' features move.
  private func inputWork(_ batch: Batch, passes: Int) -> StepProfile.Work {
    StepProfile.Work(bytes: 4 * passes * batch.features.count)
  }

  private func convolutionWork() -> StepProfile.Work {
    let columns = places.reduce(0) { $0 + $1.input.segments }
    let operations = 18 * columns * map.rows * shape.inputChannels
    return StepProfile.Work(
      direct: operations * channels, executed: operations * channelStride,
      bytes: 5 * columns / shape.pooling.time * pooled.rows * channelStride)
  }

  /// Turns the songs' features into rows with zeros around them.
  private func load(_ batch: Batch, _ batchShape: BatchShape) {
    var offset = 0
    places = batch.segments.indices.map { song in
      let rows = InputRows(
        channels: shape.inputChannels, frequencies: shape.rows, segments: batch.segments[song])
      defer { offset += rows.songStride }
      return InputConvolution.Song(
        input: rows, rowsOffset: offset, pooledOffset: pooled.offset(batchShape.pooled[0][song]))
    }
    batch.features.withUnsafeBufferPointer { features in
      let start = features.baseAddress
      team.forEach(batch.count) { song in
        let place = self.places[song]
        let target = self.normalized.start + place.rowsOffset
        place.input.clearHalo(target)
        place.input.clearHalo(self.affine.start + place.rowsOffset)
        place.input.transpose(start! + batchShape.inputs[0][song].first * self.width, to: target)
      }
    }
  }

  private func normalize(_ song: Int, _ mean: [Float], _ inverse: [Float]) {
    places[song].input.normalize(
      normalized.start + places[song].rowsOffset, mean: mean, inverseDeviation: inverse)
  }

  private func convolve() {
    normalization.setSigns(gamma: tensors.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs)
    team.measure("convolution, pooling", convolutionWork()) {
      team.forEach(places.count) { song in
        let place = self.places[song]
        place.input.affine(
          self.normalized.start + place.rowsOffset, gamma: self.input.gamma, beta: self.input.beta,
          to: self.affine.start + place.rowsOffset)
        self.convolution.forward(
          self.affine.start + place.rowsOffset, input: place.input, to: self.raw.start + place.pooledOffset,
          argmax: self.argmax + place.pooledOffset)
      }
    }
  }

  /// Batch norm over each row: statistics over songs and segments, then x̂ in place.
  private func normalizeInput(statistics: (any BatchStatisticsReduction)?) throws {
    let width = width
    rowMoments.withUnsafeMutableBufferPointer { moments in
      let start = moments.baseAddress!
      team.forEach(places.count) { song in
        self.places[song].input.moments(
          self.normalized.start + self.places[song].rowsOffset, sums: start + song * 2 * width,
          squares: start + (song * 2 + 1) * width)
      }
    }
    var values = [Double](repeating: 0, count: 2 * width + 1)
    for (song, place) in places.enumerated() {
      let segments = Double(place.input.segments)
      values[2 * width] += segments
      for row in 0..<width {
        let sum = rowMoments[song * 2 * width + row]
        values[row] += sum
        values[width + row] += rowMoments[(song * 2 + 1) * width + row] + sum * sum / segments
      }
    }
    if let statistics { try values.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    var means: [Float] = []
    var inverses: [Float] = []
    for row in 0..<width {
      let mean = values[row] / values[2 * width]
      let variance = max(0, values[width + row] / values[2 * width] - mean * mean)
      means.append(Float(mean))
      inverses.append(Float(1 / (variance + ChannelNormalization.epsilon).squareRoot()))
      let place = InputRows.place(of: row, frequencies: shape.rows)
      input.batchMean[place] = Float(mean)
      input.batchVariance[place] = Float(variance)
    }
    let (mean, inverse) = (means, inverses)
    team.forEach(places.count) { song in self.normalize(song, mean, inverse) }
  }
}

/// The input normalisation's tensors inside the arenas.
struct InputTensors {
  let gamma: UnsafeMutablePointer<Float>
  let beta: UnsafeMutablePointer<Float>
  let gammaGradient: UnsafeMutablePointer<Double>
  let betaGradient: UnsafeMutablePointer<Double>
  let movingMean: UnsafeMutablePointer<Float>
  let movingVariance: UnsafeMutablePointer<Float>
  let batchMean: UnsafeMutablePointer<Float>
  let batchVariance: UnsafeMutablePointer<Float>

  init(
    parameters: ParameterArena, gradients: GradientArena, moving: ParameterArena, batch: ParameterArena
  ) {
    gamma = parameters.start(of: "input_normalization/gamma")
    beta = parameters.start(of: "input_normalization/beta")
    gammaGradient = gradients.start(of: "input_normalization/gamma")
    betaGradient = gradients.start(of: "input_normalization/beta")
    movingMean = moving.start(of: "input_normalization/moving_mean")
    movingVariance = moving.start(of: "input_normalization/moving_variance")
    batchMean = batch.start(of: "input_normalization/moving_mean")
    batchVariance = batch.start(of: "input_normalization/moving_variance")
  }
}
