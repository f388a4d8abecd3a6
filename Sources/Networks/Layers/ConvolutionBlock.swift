import Kernels

/// The passes of a convolution block, as far as all have them: everything behind the convolution. Holds what the
/// forward pass leaves for the backward pass.
class ConvolutionBlock {
  let index: Int
  let input: SignalShape
  let pooling: PoolingSize
  /// Maps of the longest song.
  let map: MapShape
  let normalization: ChannelNormalization
  let team: ThreadTeam
  /// What the block hands on: `[song][row][column][channel]`. Its gradient becomes that for batch norm's output at the
  /// argmax.
  let output: Signal
  /// The pooled map before batch norm, and which position of its window each value came from.
  let raw: AlignedBuffer
  var argmax: UnsafeMutablePointer<UInt8> { winners.start }
  private let winners: AlignedRun<UInt8>
  /// Parts of a song that the forward pass sums each by itself.
  let partsOfSong: Int
  /// Two values a channel for each part of each song: sums of the forward pass; or for each song: of the backward pass.
  private let songSums: AlignedBuffer
  /// Two values a channel, summed over this rank's songs; and over all that share the statistics, then their count.
  let localSums: AlignedSums
  private let sharedSums: AlignedSums
  let tensors: BlockTensors
  private let firstDropout: Int
  private let dropoutRate: Double

  init(_ block: ConvolutionDescription, _ site: LayerSite, partsOfSong: Int = 1) {
    index = site.index
    self.partsOfSong = partsOfSong
    input = site.input.shape
    pooling = block.pooling
    tensors = BlockTensors(block, site.tensors)
    firstDropout = site.firstDropout
    dropoutRate = block.dropout
    team = site.team
    let columns = input.columns ?? 1
    map = MapShape(rows: input.rows, columns: columns, channels: block.filters)
    normalization = ChannelNormalization(channels: block.filters)
    output = Signal(
      block.output(of: input), maximumBatch: site.maximumBatch,
      maximumColumns: block.columns(of: site.maximumColumns))
    let count =
      GatedRecurrence.rowCapacity(block.columns(of: site.maximumColumns)) * output.shape.rows * map.channelStride
    raw = AlignedBuffer(count: count)
    winners = AlignedRun(count: count)
    songSums = AlignedBuffer(count: site.maximumBatch * partsOfSong * 2 * map.channelStride)
    localSums = AlignedSums(count: 2 * block.filters)
    sharedSums = AlignedSums(count: 2 * block.filters + 1)
  }

  var channels: Int { map.channels }
  var channelStride: Int { map.channelStride }

  /// Pooling of a part of one song's map.
  func pooling(rows: Int, columns: Int) -> PoolingPass {
    PoolingPass(
      map: MapShape(rows: rows, columns: columns, channels: map.channels), windowRows: pooling.frequency,
      windowColumns: pooling.time)
  }

  /// The pooled map of one song.
  private func pooled(_ span: SongSpan) -> MapShape {
    MapShape(rows: output.shape.rows, columns: span.count, channels: channels)
  }

  /// The two runs of `songSums` of a part of a song.
  func partSum(_ song: Int, _ part: Int, _ which: Int) -> UnsafeMutablePointer<Float> {
    songSums.start + ((song * partsOfSong + part) * 2 + which) * channelStride
  }

  /// The two runs of `songSums` of a song.
  func songSum(_ song: Int, _ which: Int) -> UnsafeMutablePointer<Float> {
    songSums.start + (song * 2 + which) * channelStride
  }

  private func dropout(_ batch: BatchPass) -> DropoutMask? { batch.dropout(firstDropout, rate: dropoutRate) }

  /// Batch norm's affine map, ELU and dropout of all songs.
  func activate(_ batch: BatchPass) {
    let dropout = dropout(batch)
    team.measure("batch norm, ELU, dropout", passWork(batch, passes: 2)) {
      team.forEach(batch.count) { song in
        let span = batch.output(self.index)[song]
        let offset = self.output.offset(song, span)
        ActivationPass(pooled: self.pooled(span)).activate(
          self.raw.start + offset, scale: self.normalization.scale, shift: self.normalization.shift,
          dropout: dropout, song: batch.songs[song], argmax: self.argmax + offset,
          to: self.output.values + offset)
      }
    }
  }

  /// Bytes that so many passes over the pooled maps move.
  private func passWork(_ batch: BatchPass, passes: Int) -> StepProfile.Work {
    let columns = batch.output(index).reduce(0) { $0 + $1.count }
    return StepProfile.Work(bytes: 4 * passes * columns * output.shape.rows * channelStride)
  }

  /// Turns the output's gradient into that for batch norm's output, sums it, and prepares the dense terms.
  func differentiateActivation(_ batch: BatchPass) throws {
    let dropout = dropout(batch)
    team.measure("batch norm, ELU, dropout", passWork(batch, passes: 4)) {
      team.forEach(batch.count) { song in
        let span = batch.output(self.index)[song]
        let offset = self.output.offset(song, span)
        ActivationPass(pooled: self.pooled(span)).differentiate(
          self.output.gradient + offset, raw: self.raw.start + offset, activated: self.output.values + offset,
          argmax: self.argmax + offset, mean: self.normalization.center, keptScale: dropout?.scale ?? 1,
          sums: self.songSum(song, 0), products: self.songSum(song, 1))
      }
    }
    localSums.zero()
    for song in 0..<batch.count {
      for which in 0..<2 {
        let sums = songSum(song, which)
        for channel in 0..<channels { localSums.start[which * channels + channel] += Double(sums[channel]) }
      }
    }
    sharedSums.start.update(from: localSums.start, count: 2 * channels)
    try batch.statistics?.sum(UnsafeMutableBufferPointer(start: sharedSums.start, count: 2 * channels))
    // Batch norm takes its mean away again.
    tensors.biasGradient.update(repeating: 0, count: channels)
    normalization.differentiate(
      localSums: localSums.start, localProducts: localSums.start + channels, sharedSums: sharedSums.start,
      sharedProducts: sharedSums.start + channels, gammaGradient: tensors.normalization.gammaGradient,
      betaGradient: tensors.normalization.betaGradient)
  }

  /// Shares the sums of y' and of y'² over this rank's songs, which `localSums` holds, and sets the batch's
  /// normalisation.
  func normalizeBatch(_ batch: BatchPass) throws {
    let columns = batch.input(index).reduce(0) { $0 + $1.count }
    sharedSums.start.update(from: localSums.start, count: 2 * channels)
    sharedSums.start[2 * channels] = Double(columns * map.rows)
    try batch.statistics?.sum(sharedSums.all)
    normalization.useBatch(
      count: sharedSums.start[2 * channels], sums: sharedSums.start, squares: sharedSums.start + channels,
      gamma: tensors.normalization.gamma, beta: tensors.normalization.beta, bias: tensors.bias,
      batchMean: tensors.normalization.batchMean, batchVariance: tensors.normalization.batchVariance)
  }

  /// Sets the scale that inference multiplies the weights by, and the shift that it adds.
  func foldMovingStatistics() {
    normalization.fold(
      mean: tensors.normalization.movingMean, variance: tensors.normalization.movingVariance,
      gamma: tensors.normalization.gamma, beta: tensors.normalization.beta, bias: tensors.bias)
  }
}

/// A block's tensors inside the arenas.
struct BlockTensors {
  let kernel: UnsafeMutablePointer<Float>
  let bias: UnsafeMutablePointer<Float>
  let kernelGradient: UnsafeMutablePointer<Double>
  let biasGradient: UnsafeMutablePointer<Double>
  let normalization: NormalizationTensors

  init(_ block: ConvolutionDescription, _ tensors: LayerTensors) {
    kernel = tensors.weights("\(block.convolution)/kernel")
    bias = tensors.weights("\(block.convolution)/bias")
    kernelGradient = tensors.gradient("\(block.convolution)/kernel")
    biasGradient = tensors.gradient("\(block.convolution)/bias")
    normalization = NormalizationTensors(block.normalization, tensors)
  }
}
