import Kernels

/// A block whose convolution has many input channels.
final class HiddenConvolutionBlock: ConvolutionBlock {
  private let convolution: any MapConvolution
  /// The convolution's raw output, then the gradient for it: `[song][row][column][channel]`.
  private let output: AlignedBuffer

  init(
    index: Int, shape: Architecture.ConvolutionShape, tensors: BlockTensors, maximumBatch: Int,
    maximumColumns: Int, team: ThreadTeam, convolution maker: ConvolutionMaker
  ) {
    convolution = maker(shape.rows, shape.columns, shape.inputChannels, shape.outputChannels, team)
    output = AlignedBuffer(count: maximumColumns * shape.rows * padded(shape.outputChannels))
    super.init(
      index: index, shape: shape, tensors: tensors, maximumBatch: maximumBatch, maximumColumns: maximumColumns,
      team: team)
  }

  var scratchCount: Int { convolution.scratchCount }

  func forward(
    _ source: ConvolutionBlock, _ batch: BatchShape, songs: [UInt32], dropout: DropoutMask?,
    statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    normalization.setSigns(gamma: tensors.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs, forTraining: true)
    convolution.forward(
      source.activated.start, songs: batch.inputs[index], to: output.start, scratch: scratch
    ) { song in
      let span = batch.inputs[self.index][song]
      self.pooling(span.count).moments(
        self.output.start + self.map.offset(span), sums: self.songSum(song, 0), squares: self.songSum(song, 1))
      self.pool(batch, song)
    }
    let (sums, squares) = mapMoments(batch)
    try normalizeBatch(batch, sums: sums, squares: squares, statistics: statistics)
    activate(batch, songs: songs, dropout: dropout)
  }

  /// Convolution, pooling and ELU, the batch norm between them folded into the weights; a song's activated map is
  /// made while its convolution is in cache.
  func infer(_ source: ConvolutionBlock, _ batch: BatchShape, scratch: AlignedBuffer) {
    foldMovingStatistics()
    convolution.prepareWeights(tensors.kernel, signs: normalization.scale, forTraining: false)
    convolution.forward(
      source.activated.start, songs: batch.inputs[index], to: output.start, scratch: scratch
    ) { song in
      let span = batch.inputs[self.index][song]
      self.pooling(span.count).activate(
        self.output.start + self.map.offset(span), shift: self.normalization.shift,
        to: self.activated.start + self.pooled.offset(batch.pooled[self.index][song]))
    }
  }

  /// Needs `gradient`; leaves the source's.
  func backward(
    _ source: ConvolutionBlock, _ batch: BatchShape, dropout: DropoutMask?,
    statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    try differentiateActivation(batch, dropout: dropout, statistics: statistics)
    convolution.backward(
      source.activated.start, songs: batch.inputs[index], outputGradient: output.start,
      inputGradient: source.gradient.start, kernelGradient: tensors.kernelGradient, scratch: scratch
    ) { song in
      let span = batch.inputs[self.index][song]
      let offset = self.pooled.offset(batch.pooled[self.index][song])
      self.pooling(span.count).expandGradient(
        self.output.start + self.map.offset(span), pooledGradient: self.gradient.start + offset,
        argmax: self.argmax + offset, scale: self.normalization.scale, constant: self.normalization.constant,
        slope: self.normalization.slope)
    }
  }

  private func pool(_ batch: BatchShape, _ song: Int) {
    let span = batch.inputs[index][song]
    let offset = pooled.offset(batch.pooled[index][song])
    pooling(span.count).pool(
      output.start + map.offset(span), to: raw.start + offset, argmax: argmax + offset)
  }

  /// Sums over songs of y' and of y'², from each song's sum and its squares about its own mean.
  private func mapMoments(_ batch: BatchShape) -> (sums: [Double], squares: [Double]) {
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    for (song, span) in batch.inputs[index].enumerated() {
      let positions = Double(span.count * map.rows)
      let songTotals = songSum(song, 0)
      let songSquares = songSum(song, 1)
      for channel in 0..<channels {
        let sum = Double(songTotals[channel])
        sums[channel] += sum
        squares[channel] += Double(songSquares[channel]) + sum * sum / positions
      }
    }
    return (sums, squares)
  }
}
