import Kernels

/// The first block, with the batch norm over pitch classes that stands before it.
final class PatchBlock: ConvolutionBlock {
  private let convolution: PatchConvolution
  private let rows: InputRows
  /// Songs as rows, normalised: x̂; and γ x̂ + β of them.
  private let normalized: AlignedBuffer
  private let affine: AlignedBuffer
  private let songMoments: AlignedBuffer
  private var rowMoments: [Double]
  private var moments: PatchMoments
  private var accumulators: [AlignedBuffer] = []
  private let input: InputTensors

  init(
    shape: Architecture.ConvolutionShape, tensors: BlockTensors, input: InputTensors, maximumBatch: Int,
    team: ThreadTeam
  ) {
    rows = InputRows(frequencies: shape.rows, segments: shape.columns)
    self.input = input
    let pooling = PoolingPass(
      map: MapShape(rows: shape.rows, columns: shape.columns, channels: shape.outputChannels),
      windowRows: shape.pooling.frequency, windowColumns: shape.pooling.time)
    convolution = PatchConvolution(input: rows, pooling: pooling, team: team)
    normalized = AlignedBuffer(count: maximumBatch * rows.songStride + vectorWidth)
    affine = AlignedBuffer(count: maximumBatch * rows.songStride + vectorWidth)
    moments = PatchMoments(rows: shape.rows)
    songMoments = AlignedBuffer(count: maximumBatch * moments.count)
    rowMoments = Array(repeating: 0, count: maximumBatch * 2 * shape.rows)
    super.init(index: 0, shape: shape, tensors: tensors, maximumBatch: maximumBatch, team: team)
  }

  func forward(
    _ batch: Batch, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?
  ) throws {
    try team.measure("input and its batch norm") {
      load(batch)
      try normalizeInput(songs: batch.count, statistics: statistics)
    }
    moments = PatchMoments(rows: shape.rows)
    team.measure("patch moments") {
      team.forEach(batch.count) { song in
        PatchMoments.measure(
          self.normalized.start + song * self.rows.songStride, input: self.rows,
          to: self.songMoments.start + song * self.moments.count)
      }
      for song in 0..<batch.count { moments.add(songMoments.start + song * moments.count) }
    }
    convolve(batch.count)
    let patches = moments.affineMoments(
      songs: batch.count, segments: shape.columns, gamma: input.gamma, beta: input.beta)
    let map = convolution.mapMoments(first: patches.first, second: patches.second)
    try normalizeBatch(songs: batch.count, sums: map.sums, squares: map.squares, statistics: statistics)
    activate(songs: batch.songs, dropout: dropout)
  }

  func infer(_ batch: Batch) {
    load(batch)
    let frequencies = 0..<shape.rows
    let mean = frequencies.map { input.movingMean[$0] }
    let inverse = frequencies.map {
      Float(1 / (Double(input.movingVariance[$0]) + ChannelNormalization.epsilon).squareRoot())
    }
    team.forEach(batch.count) { song in
      self.rows.normalize(
        self.normalized.start + song * self.rows.songStride, mean: mean, inverseDeviation: inverse)
    }
    convolve(batch.count)
    useMovingStatistics()
    activate(songs: batch.songs, dropout: nil)
  }

  func backward(
    songs: [UInt32], dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?
  ) throws {
    try differentiateActivation(songs: songs.count, dropout: dropout, statistics: statistics)
    team.measure("gradient of the winners", convolutionWork(songs.count)) {
      convolution.sparseMoments(
        normalized.start, songs: songs.count, pooledGradient: gradient.start, winners: winners,
        accumulators: &accumulators)
    }
    let result = team.measure("gradient of the rest") {
      convolution.gradient(
        sparse: accumulators[0].start, moments: moments, songs: songs.count, gamma: input.gamma,
        beta: input.beta, signs: normalization.signs, scale: normalization.scale,
        constant: normalization.constant, slope: normalization.slope)
    }
    for (i, value) in result.kernel.enumerated() { tensors.kernelGradient[i] = Float(value) }
    for frequency in 0..<shape.rows {
      input.gammaGradient[frequency] = Float(result.gamma[frequency])
      input.betaGradient[frequency] = Float(result.beta[frequency])
    }
  }

  private func convolutionWork(_ songs: Int) -> StepProfile.Work {
    let operations = 18 * songs * pooling.map.positions
    return StepProfile.Work(
      direct: operations * channels, executed: operations * channelStride,
      bytes: 5 * songs * pooling.pooled.songStride)
  }

  private func load(_ batch: Batch) {
    let songFeatures = shape.rows * shape.columns
    batch.features.withUnsafeBufferPointer { features in
      let start = features.baseAddress
      team.forEach(batch.count) { song in
        self.rows.transpose(
          start! + song * songFeatures, to: self.normalized.start + song * self.rows.songStride)
      }
    }
  }

  private func convolve(_ songs: Int) {
    normalization.setSigns(gamma: tensors.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs)
    team.measure("convolution, pooling", convolutionWork(songs)) {
      team.forEach(songs) { song in
        let row = song * self.rows.songStride
        let offset = self.pooledOffset(song)
        self.rows.affine(
          self.normalized.start + row, gamma: self.input.gamma, beta: self.input.beta,
          to: self.affine.start + row)
        self.convolution.forward(
          self.affine.start + row, to: self.raw.start + offset, winners: self.winners + offset)
      }
    }
  }

  /// Batch norm over each pitch class: statistics over songs and segments, then x̂ in place.
  private func normalizeInput(songs: Int, statistics: (any BatchStatisticsReduction)?) throws {
    let frequencies = shape.rows
    rowMoments.withUnsafeMutableBufferPointer { moments in
      let start = moments.baseAddress!
      team.forEach(songs) { song in
        self.rows.moments(
          self.normalized.start + song * self.rows.songStride, sums: start + song * 2 * frequencies,
          squares: start + (song * 2 + 1) * frequencies)
      }
    }
    let segments = Double(shape.columns)
    var values = [Double](repeating: 0, count: 2 * frequencies + 1)
    values[2 * frequencies] = Double(songs) * segments
    for song in 0..<songs {
      for f in 0..<frequencies {
        let sum = rowMoments[song * 2 * frequencies + f]
        values[f] += sum
        values[frequencies + f] += rowMoments[(song * 2 + 1) * frequencies + f] + sum * sum / segments
      }
    }
    if let statistics { try values.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    var means: [Float] = []
    var inverses: [Float] = []
    for f in 0..<frequencies {
      let mean = values[f] / values[2 * frequencies]
      let variance = max(0, values[frequencies + f] / values[2 * frequencies] - mean * mean)
      means.append(Float(mean))
      inverses.append(Float(1 / (variance + ChannelNormalization.epsilon).squareRoot()))
      input.batchMean[f] = Float(mean)
      input.batchVariance[f] = Float(variance)
    }
    let (mean, inverse) = (means, inverses)
    team.forEach(songs) { song in
      self.rows.normalize(
        self.normalized.start + song * self.rows.songStride, mean: mean, inverseDeviation: inverse)
    }
  }
}

/// The input normalisation's tensors inside the arenas.
struct InputTensors {
  let gamma: UnsafeMutablePointer<Float>
  let beta: UnsafeMutablePointer<Float>
  let gammaGradient: UnsafeMutablePointer<Float>
  let betaGradient: UnsafeMutablePointer<Float>
  let movingMean: UnsafeMutablePointer<Float>
  let movingVariance: UnsafeMutablePointer<Float>
  let batchMean: UnsafeMutablePointer<Float>
  let batchVariance: UnsafeMutablePointer<Float>

  init(
    parameters: ParameterArena, gradients: ParameterArena, moving: ParameterArena, batch: ParameterArena
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
