import Kernels

/// A block whose convolution has many input channels.
final class TileBlock: ConvolutionBlock {
  private let convolution: any MapConvolution
  /// The convolution's raw output, then the gradient for it: `[song][row][column][channel]`.
  private let map: AlignedBuffer

  init(
    index: Int, shape: Architecture.ConvolutionShape, tensors: BlockTensors, maximumBatch: Int, team: ThreadTeam,
    convolution maker: ConvolutionMaker
  ) {
    convolution = maker(shape.rows, shape.columns, shape.inputChannels, shape.outputChannels, team)
    map = AlignedBuffer(count: maximumBatch * convolution.output.songStride)
    super.init(index: index, shape: shape, tensors: tensors, maximumBatch: maximumBatch, team: team)
  }

  var scratchCount: Int { convolution.scratchCount }

  func forward(
    _ source: ConvolutionBlock, songs: [UInt32], dropout: DropoutMask?,
    statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    normalization.setSigns(gamma: tensors.gamma)
    team.measure("weight transform") {
      convolution.prepareWeights(tensors.kernel, signs: normalization.signs)
    }
    convolution.forward(
      source.activated.start, songs: songs.count, to: map.start, scratch: scratch, wholeBlocks: false
    ) { song in
      let start = self.map.start + song * self.convolution.output.songStride
      self.pooling.moments(start, sums: self.songSum(song, 0), squares: self.songSum(song, 1))
      self.pool(song)
    }
    let (sums, squares) = mapMoments(songs: songs.count)
    try normalizeBatch(songs: songs.count, sums: sums, squares: squares, statistics: statistics)
    activate(songs: songs, dropout: dropout)
  }

  func infer(_ source: ConvolutionBlock, songs: [UInt32], scratch: AlignedBuffer) {
    normalization.setSigns(gamma: tensors.gamma)
    team.measure("weight transform") {
      convolution.prepareWeights(tensors.kernel, signs: normalization.signs)
    }
    useMovingStatistics()
    convolution.forward(
      source.activated.start, songs: songs.count, to: map.start, scratch: scratch, wholeBlocks: true
    ) { song in
      self.pool(song)
    }
    activate(songs: songs, dropout: nil)
  }

  /// Needs `gradient`; leaves the source's.
  func backward(
    _ source: ConvolutionBlock, songs: [UInt32], dropout: DropoutMask?,
    statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    try differentiateActivation(songs: songs.count, dropout: dropout, statistics: statistics)
    convolution.backward(
      source.activated.start, songs: songs.count, outputGradient: map.start,
      inputGradient: source.gradient.start, scratch: scratch
    ) { song in
      let offset = self.pooledOffset(song)
      self.pooling.expandGradient(
        self.map.start + song * self.convolution.output.songStride, pooledGradient: self.gradient.start + offset,
        winners: self.winners + offset, scale: self.normalization.scale, constant: self.normalization.constant,
        slope: self.normalization.slope)
    }
    team.measure("weight gradient transform") {
      convolution.writeKernelGradient(tensors.kernelGradient, signs: normalization.signs)
    }
  }

  private func pool(_ song: Int) {
    let offset = pooledOffset(song)
    pooling.pool(
      map.start + song * convolution.output.songStride, to: raw.start + offset, winners: winners + offset)
  }

  /// Sums over songs of y' and of y'², from each song's sum and its squares about its own mean.
  private func mapMoments(songs: Int) -> (sums: [Double], squares: [Double]) {
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    let positions = Double(pooling.map.positions)
    for song in 0..<songs {
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
