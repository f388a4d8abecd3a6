import Kernels

/// Makes convolutions by Winograd's minimal filtering.
package let winogradConvolution: ConvolutionMaker = {
  WinogradConvolution(rows: $0, columns: $1, inputChannels: $2, outputChannels: $3, team: $4)
}

/// A block whose convolution has many input channels.
final class HiddenConvolutionBlock: ConvolutionBlock, LayerPass {
  private let convolution: any MapConvolution
  private let source: Signal
  /// The convolution's raw output, then the gradient for it: `[song][row][column][channel]`.
  private let convolved: AlignedBuffer

  init(_ block: ConvolutionDescription, _ site: LayerSite, convolution maker: ConvolutionMaker) {
    source = site.input
    let input = site.input.shape
    convolution = maker(input.rows, input.columns ?? 1, input.channels, block.filters, site.team)
    convolved = AlignedBuffer(count: site.maximumColumns * input.rows * padded(block.filters))
    super.init(block, site)
  }

  var scratchCount: Int { convolution.scratchCount }

  func forward(_ batch: BatchPass) throws {
    normalization.setSigns(gamma: tensors.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs, forTraining: true)
    convolution.forward(source.values, songs: batch.input(index), to: convolved.start, scratch: batch.scratch) {
      song in
      let span = batch.input(self.index)[song]
      self.pooling(span.count).moments(
        self.convolved.start + self.map.offset(span), sums: self.songSum(song, 0), squares: self.songSum(song, 1))
      self.pool(batch, song)
    }
    sumMoments(batch)
    try normalizeBatch(batch)
    activate(batch)
  }

  /// Convolution, pooling and ELU, the batch norm between them folded into the weights; a song's activated map is
  /// made while its convolution is in cache.
  func infer(_ batch: BatchPass) {
    foldMovingStatistics()
    convolution.prepareWeights(tensors.kernel, signs: normalization.scale, forTraining: false)
    convolution.forward(source.values, songs: batch.input(index), to: convolved.start, scratch: batch.scratch) {
      song in
      let span = batch.input(self.index)[song]
      self.pooling(span.count).activate(
        self.convolved.start + self.map.offset(span), shift: self.normalization.shift,
        to: self.output.values + self.output.offset(song, batch.output(self.index)[song]))
    }
  }

  func backward(_ batch: BatchPass) throws {
    try differentiateActivation(batch)
    convolution.backward(
      source.values, songs: batch.input(index), outputGradient: convolved.start, inputGradient: source.gradient,
      kernelGradient: tensors.kernelGradient, scratch: batch.scratch,
      prepare: { song in
        let span = batch.input(self.index)[song]
        let offset = self.output.offset(song, batch.output(self.index)[song])
        self.pooling(span.count).expandGradient(
          self.convolved.start + self.map.offset(span), pooledGradient: self.output.gradient + offset,
          argmax: self.argmax + offset, scale: self.normalization.scale, constant: self.normalization.constant,
          slope: self.normalization.slope)
      }, kernelIsDone: { batch.gradientsAreDone(self.index) })
  }

  private func pool(_ batch: BatchPass, _ song: Int) {
    let span = batch.input(index)[song]
    let offset = output.offset(song, batch.output(index)[song])
    pooling(span.count).pool(
      convolved.start + map.offset(span), to: raw.start + offset, argmax: argmax + offset)
  }

  /// Sums over songs of y' and of y'², from each song's sum and its squares about its own mean.
  private func sumMoments(_ batch: BatchPass) {
    localSums.zero()
    for (song, span) in batch.input(index).enumerated() {
      let positions = Double(span.count * map.rows)
      let songTotals = songSum(song, 0)
      let songSquares = songSum(song, 1)
      for channel in 0..<channels {
        let sum = Double(songTotals[channel])
        localSums.start[channel] += sum
        localSums.start[channels + channel] += Double(songSquares[channel]) + sum * sum / positions
      }
    }
  }
}
