import Kernels

/// The first block, with the batch norm that stands before it: over each row of each input channel, such as a pitch
/// class, a timbre coefficient or a band; or over each column, a time step. In that case its input lies turned
/// (`InputRows`), and what is called a row here is a column of the map.
final class InputConvolutionBlock: ConvolutionBlock, LayerPass {
  private let source: Signal
  private let convolution: InputConvolution
  private let inference: InputInference
  /// Songs as rows, normalised: x̂; and γ x̂ + β of them. Where a song stands in them is in `places`.
  private let normalized: AlignedBuffer
  private let affine: AlignedBuffer
  private var places: [InputConvolution.Song] = []
  private let songMoments: AlignedBuffer
  /// Two values a row for each song; two values a row over all songs, and the number of segments.
  private let rowMoments: AlignedSums
  private let rowSums: AlignedSums
  /// Of each row: what it is shifted and scaled by.
  private var means: [Float]
  private var factors: [Float]
  /// In inference, where `InputRows.place` says: batch norm as one affine map.
  private var scales: [Float]
  private var shifts: [Float]
  private var moments: PatchMoments
  private let sparse: AlignedSums
  private var gradient: InputGradient
  private let normalizationTensors: NormalizationTensors
  private let isTurned: Bool
  /// Rows of a channel.
  private let rows: Int

  init(_ block: ConvolutionDescription, _ site: LayerSite, normalizesTime: Bool = false) {
    source = site.input
    let input = site.input.shape
    isTurned = normalizesTime
    rows = isTurned ? input.columns ?? 1 : input.rows
    let window =
      isTurned ? (block.pooling.time, block.pooling.frequency) : (block.pooling.frequency, block.pooling.time)
    convolution = InputConvolution(
      frequencies: rows, inputs: input.channels, channels: block.filters, windowRows: window.0,
      windowColumns: window.1, isTurned: isTurned, team: site.team)
    inference = InputInference(
      frequencies: rows, inputs: input.channels, channels: block.filters, windowRows: window.0,
      windowColumns: window.1, isTurned: isTurned)
    // Rows are padded to whole vectors and have margins; no set of songs needs more than this.
    let count =
      isTurned
      ? site.maximumBatch * InputRows(channels: input.channels, frequencies: rows, segments: input.rows).songStride
      : input.channels * (rows + 2) * (site.maximumColumns + site.maximumBatch * 3 * vectorWidth) + vectorWidth
    normalized = AlignedBuffer(count: count)
    affine = AlignedBuffer(count: count)
    places.reserveCounted(site.maximumBatch)
    sparse = AlignedSums(count: convolution.sparseCount)
    gradient = convolution.emptyGradient
    moments = PatchMoments(rows: rows, inputs: input.channels)
    songMoments = AlignedBuffer(count: site.maximumBatch * moments.count)
    let width = rows * input.channels
    rowMoments = AlignedSums(count: site.maximumBatch * 2 * width)
    rowSums = AlignedSums(count: 2 * width + 1)
    means = Array(repeating: 0, count: width)
    factors = means
    scales = Array(repeating: 0, count: input.channels * padded(rows))
    shifts = scales
    normalizationTensors = NormalizationTensors(InputConvolutionLayer.normalization, site.tensors)
    super.init(block, site)
  }

  func forward(_ batch: BatchPass) throws {
    try team.measure("input and its batch norm", inputWork(batch, passes: 6)) {
      load(batch)
      try normalizeInput(batch)
    }
    team.measure("patch moments", inputWork(batch, passes: 1)) { measureMoments(batch) }
    convolve()
    convolution.mapMoments(
      moments, gamma: normalizationTensors.gamma, beta: normalizationTensors.beta, sums: localSums.start,
      squares: localSums.start + channels)
    try normalizeBatch(batch)
    activate(batch)
  }

  /// Both batch norms use the moving statistics: the input's is one affine map of each row, which the zeros around the
  /// song keep out of the weights; the one behind the convolution is folded into them.
  func infer(_ batch: BatchPass) {
    team.measure("input and its batch norm", inputWork(batch, passes: 2)) { load(batch) }
    if !batch.keepsWeights { prepareInference() }
    team.measure("convolution, pooling, ELU", convolutionWork()) {
      team.forEach(places.count) { song in
        let place = self.places[song]
        let rows = self.affine.start + place.rowsOffset
        place.input.affine(
          self.normalized.start + place.rowsOffset, gamma: self.scales, beta: self.shifts, to: rows)
        self.inference.run(
          rows, input: place.input, shift: self.normalization.shift, to: self.output.values + place.pooledOffset)
      }
    }
  }

  private func prepareInference() {
    let input = normalizationTensors
    for i in scales.indices {
      scales[i] = Float(
        Double(input.gamma[i]) / (Double(input.movingVariance[i]) + ChannelNormalization.epsilon).squareRoot())
      shifts[i] = input.beta[i] - input.movingMean[i] * scales[i]
    }
    foldMovingStatistics()
    inference.prepareWeights(tensors.kernel, factors: normalization.scale)
  }

  func backward(_ batch: BatchPass) throws {
    try differentiateActivation(batch)
    team.measure("gradient of the argmax", convolutionWork()) {
      convolution.sparseMoments(
        normalized.start, songs: places, pooledGradient: output.gradient, argmax: argmax, to: sparse.start)
    }
    let inputs = normalizationTensors
    team.measure("gradient of the rest") {
      convolution.differentiate(
        sparse: sparse.start, moments: moments, gamma: inputs.gamma, beta: inputs.beta,
        signs: normalization.signs, scale: normalization.scale, constant: normalization.constant,
        slope: normalization.slope, to: &gradient)
    }
    tensors.kernelGradient.update(from: gradient.kernel, count: gradient.kernel.count)
    inputs.gammaGradient.update(from: gradient.gamma, count: gradient.gamma.count)
    inputs.betaGradient.update(from: gradient.beta, count: gradient.beta.count)
  }

  /// Rows of all input channels.
  private var width: Int { rows * input.channels }

  /// Bytes that so many passes over the songs' features move.
  private func inputWork(_ batch: BatchPass, passes: Int) -> StepProfile.Work {
    StepProfile.Work(
      bytes: 4 * passes * batch.input(index).reduce(0) { $0 + $1.count } * input.rows * input.channels)
  }

  private func convolutionWork() -> StepProfile.Work {
    let positions = places.reduce(0) { $0 + $1.input.segments } * rows
    let operations = 18 * positions * input.channels
    return StepProfile.Work(
      direct: operations * channels, executed: operations * channelStride,
      bytes: 5 * positions / (pooling.time * pooling.frequency) * channelStride)
  }

  /// Turns the songs' features into rows with zeros around them.
  private func load(_ batch: BatchPass) {
    let spans = batch.input(index)
    places.removeAll(keepingCapacity: true)
    var offset = 0
    for (song, span) in spans.enumerated() {
      let rows = InputRows(
        channels: input.channels, frequencies: self.rows, segments: isTurned ? input.rows : span.count)
      places.append(
        InputConvolution.Song(
          input: rows, rowsOffset: offset, pooledOffset: output.offset(song, batch.output(index)[song])))
      offset += rows.songStride
    }
    team.forEach(batch.count) { song in
      let place = self.places[song]
      let target = self.normalized.start + place.rowsOffset
      place.input.clearHalo(target)
      place.input.clearHalo(self.affine.start + place.rowsOffset)
      let features = self.source.values + spans[song].first * self.source.columnStride
      if self.isTurned {
        place.input.copy(features, to: target)
      } else {
        place.input.transpose(features, to: target)
      }
    }
  }

  private func measureMoments(_ batch: BatchPass) {
    let count = moments.count
    team.forEach(batch.count) { song in
      PatchMoments.measure(
        self.normalized.start + self.places[song].rowsOffset, input: self.places[song].input,
        to: self.songMoments.start + song * count)
    }
    moments.reset()
    for song in 0..<batch.count {
      moments.add(songMoments.start + song * count, segments: places[song].input.segments)
    }
  }

  private func convolve() {
    normalization.setSigns(gamma: tensors.normalization.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs)
    let inputs = normalizationTensors
    team.measure("convolution, pooling", convolutionWork()) {
      team.forEach(places.count) { song in
        let place = self.places[song]
        place.input.affine(
          self.normalized.start + place.rowsOffset, gamma: inputs.gamma, beta: inputs.beta,
          to: self.affine.start + place.rowsOffset)
        self.convolution.forward(
          self.affine.start + place.rowsOffset, input: place.input, to: self.raw.start + place.pooledOffset,
          argmax: self.argmax + place.pooledOffset)
      }
    }
  }

  /// Batch norm over each row: statistics over songs and segments, then x̂ in place.
  private func normalizeInput(_ batch: BatchPass) throws {
    let width = width
    team.forEach(places.count) { song in
      self.places[song].input.moments(
        self.normalized.start + self.places[song].rowsOffset, sums: self.rowMoments.start + song * 2 * width,
        squares: self.rowMoments.start + (song * 2 + 1) * width)
    }
    let sums = rowSums.start
    rowSums.zero()
    for (song, place) in places.enumerated() {
      let segments = Double(place.input.segments)
      sums[2 * width] += segments
      for row in 0..<width {
        let sum = rowMoments.start[song * 2 * width + row]
        sums[row] += sum
        sums[width + row] += rowMoments.start[(song * 2 + 1) * width + row] + sum * sum / segments
      }
    }
    try batch.statistics?.sum(rowSums.all)
    for row in 0..<width {
      let mean = sums[row] / sums[2 * width]
      let variance = max(0, sums[width + row] / sums[2 * width] - mean * mean)
      means[row] = Float(mean)
      factors[row] = Float(1 / (variance + ChannelNormalization.epsilon).squareRoot())
      let place = InputRows.place(of: row, frequencies: rows)
      normalizationTensors.batchMean[place] = Float(mean)
      normalizationTensors.batchVariance[place] = Float(variance)
    }
    team.forEach(places.count) { song in
      self.places[song].input.normalize(
        self.normalized.start + self.places[song].rowsOffset, mean: self.means, inverseDeviation: self.factors)
    }
  }
}
