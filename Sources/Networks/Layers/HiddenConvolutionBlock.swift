import Kernels

/// Makes convolutions by Winograd's minimal filtering.
package let winogradConvolution: ConvolutionMaker = {
  WinogradConvolution($0, team: $1)
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
    convolution = maker(
      ConvolutionShape(
        rows: input.rows, columns: input.columns ?? 1, inputChannels: input.channels,
        outputChannels: block.filters, windowRows: block.pooling.frequency), site.team)
    convolved = AlignedBuffer(count: site.maximumColumns * input.rows * padded(block.filters))
    super.init(block, site, partsOfSong: (input.rows + convolution.rowsOfPart - 1) / convolution.rowsOfPart)
  }

  var scratchCount: Int { convolution.scratchCount }

  func forward(_ batch: BatchPass) throws {
    normalization.setSigns(gamma: tensors.normalization.gamma)
    convolution.prepareWeights(tensors.kernel, signs: normalization.signs, forTraining: true)
    convolution.forward(source.values, songs: batch.input(index), to: convolved.start, scratch: batch.scratch) {
      song, rows in
      let part = self.part(of: song, rows, batch)
      let number = rows.lowerBound / self.convolution.rowsOfPart
      part.pass.moments(
        self.convolved.start + part.mapOffset, sums: self.partSum(song, number, 0),
        squares: self.partSum(song, number, 1))
      part.pass.pool(
        self.convolved.start + part.mapOffset, to: self.raw.start + part.pooledOffset,
        argmax: self.argmax + part.pooledOffset)
    }
    sumMoments(batch)
    try normalizeBatch(batch)
    activate(batch)
  }

  /// Convolution, pooling and ELU, the batch norm between them folded into the weights; a song's activated map is
  /// made while its convolution is in cache.
  func infer(_ batch: BatchPass) {
    if !batch.keepsWeights {
      foldMovingStatistics()
      convolution.prepareWeights(tensors.kernel, signs: normalization.scale, forTraining: false)
    }
    convolution.forward(source.values, songs: batch.input(index), to: convolved.start, scratch: batch.scratch) {
      song, rows in
      let part = self.part(of: song, rows, batch)
      part.pass.activate(
        self.convolved.start + part.mapOffset, shift: self.normalization.shift,
        to: self.output.values + part.pooledOffset)
    }
  }

  func backward(_ batch: BatchPass) throws {
    try differentiateActivation(batch)
    convolution.backward(
      source.values, songs: batch.input(index), outputGradient: convolved.start, inputGradient: source.gradient,
      kernelGradient: tensors.kernelGradient, scratch: batch.scratch,
      prepare: { song, rows in
        let part = self.part(of: song, rows, batch)
        part.pass.expandGradient(
          self.convolved.start + part.mapOffset, pooledGradient: self.output.gradient + part.pooledOffset,
          argmax: self.argmax + part.pooledOffset, scale: self.normalization.scale,
          constant: self.normalization.constant,
          slope: self.normalization.slope)
      }, kernelIsDone: { batch.gradientsAreDone(self.index) })
  }

  /// The pooling of some rows of a song's map, which begin with a window and are a map of their own, and where they and
  /// what becomes of them lie.
  private func part(
    of song: Int, _ rows: Range<Int>, _ batch: BatchPass
  ) -> (pass: PoolingPass, mapOffset: Int, pooledOffset: Int) {
    let span = batch.input(index)[song]
    let pass = pooling(rows: rows.count, columns: span.count)
    return (
      pass, map.offset(span) + rows.lowerBound * pass.map.rowStride,
      output.offset(song, batch.output(index)[song])
        + rows.lowerBound / pooling.frequency * pass.pooled.rowStride
    )
  }

  /// Sums over songs of y' and of y'², from each part's sum and its squares about its own mean.
  private func sumMoments(_ batch: BatchPass) {
    localSums.zero()
    let rowsOfPart = convolution.rowsOfPart
    for (song, span) in batch.input(index).enumerated() {
      for part in 0..<partsOfSong {
        let rows = min(rowsOfPart, map.rows - part * rowsOfPart)
        let positions = Double(span.count * rows)
        let (totals, squares) = (partSum(song, part, 0), partSum(song, part, 1))
        for channel in 0..<channels {
          let sum = Double(totals[channel])
          localSums.start[channel] += sum
          localSums.start[channels + channel] += Double(squares[channel]) + sum * sum / positions
        }
      }
    }
  }
}
