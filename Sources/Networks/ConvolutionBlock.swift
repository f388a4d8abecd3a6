import Kernels

/// One block of the network: convolution, batch norm, ELU, max pooling, dropout. Holds what the forward pass leaves
/// for the backward pass.
class ConvolutionBlock {
  let index: Int
  let shape: Architecture.ConvolutionShape
  /// Maps and pooled maps of the longest song.
  let map: MapShape
  let pooled: MapShape
  let normalization: ChannelNormalization
  let team: ThreadTeam
  /// Winners' raw values, their positions, and what the block gives on: `[song][row][column][channel]`.
  let raw: AlignedBuffer
  let argmax: UnsafeMutablePointer<UInt8>
  let activated: AlignedBuffer
  /// Gradient for `activated`, then for batch norm's output at the argmax.
  let gradient: AlignedBuffer
  /// Two values a channel for each song: sums of the forward or of the backward pass.
  let songSums: AlignedBuffer
  let tensors: BlockTensors

  /// - Parameters:
  ///   - maximumBatch: the most songs of a batch.
  ///   - maximumColumns: the most columns that they have together.
  init(
    index: Int, shape: Architecture.ConvolutionShape, tensors: BlockTensors, maximumBatch: Int,
    maximumColumns: Int, team: ThreadTeam
  ) {
    self.index = index
    self.shape = shape
    self.tensors = tensors
    self.team = team
    map = MapShape(rows: shape.rows, columns: shape.columns, channels: shape.outputChannels)
    pooled = MapShape(rows: shape.pooledRows, columns: shape.pooledColumns, channels: shape.outputChannels)
    normalization = ChannelNormalization(channels: shape.outputChannels)
    let columns = GatedRecurrence.rowCapacity(maximumColumns / shape.pooling.time)
    let count = columns * pooled.rows * pooled.channelStride
    raw = AlignedBuffer(count: count)
    activated = AlignedBuffer(count: count)
    gradient = AlignedBuffer(count: count)
    argmax = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1) + 64)
    argmax.initialize(repeating: 0, count: max(count, 1) + 64)
    songSums = AlignedBuffer(count: maximumBatch * 2 * map.channelStride)
  }

  deinit { argmax.deallocate() }

  var channels: Int { shape.outputChannels }
  var channelStride: Int { map.channelStride }

  /// Pooling of one song's map.
  func pooling(_ columns: Int) -> PoolingPass {
    PoolingPass(
      map: MapShape(rows: map.rows, columns: columns, channels: map.channels),
      windowRows: shape.pooling.frequency, windowColumns: shape.pooling.time)
  }

  /// The two runs of `songSums` of a song.
  func songSum(_ song: Int, _ which: Int) -> UnsafeMutablePointer<Float> {
    songSums.start + (song * 2 + which) * channelStride
  }

  /// Batch norm's affine map, ELU and dropout of all songs.
  func activate(_ batch: BatchShape, songs: [UInt32], dropout: DropoutMask?) {
    team.measure("batch norm, ELU, dropout", passWork(batch, passes: 2)) {
      team.forEach(songs.count) { song in
        let span = batch.pooled[self.index][song]
        let offset = self.pooled.offset(span)
        ActivationPass(pooled: self.pooled.shape(of: span)).activate(
          self.raw.start + offset, scale: self.normalization.scale, shift: self.normalization.shift,
          dropout: dropout, song: songs[song], argmax: self.argmax + offset,
          to: self.activated.start + offset)
      }
    }
  }

  /// Bytes that so many passes over the pooled maps move.
  private func passWork(_ batch: BatchShape, passes: Int) -> StepProfile.Work {
    let columns = batch.pooled[index].reduce(0) { $0 + $1.count }
    return StepProfile.Work(bytes: 4 * passes * columns * pooled.rows * pooled.channelStride)
  }

  /// Turns `gradient` into that for batch norm's output, sums it, and prepares the dense terms.
  func differentiateActivation(
    _ batch: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?
  ) throws {
    team.measure("batch norm, ELU, dropout", passWork(batch, passes: 4)) {
      team.forEach(batch.songs) { song in
        let span = batch.pooled[self.index][song]
        let offset = self.pooled.offset(span)
        ActivationPass(pooled: self.pooled.shape(of: span)).differentiate(
          self.gradient.start + offset, raw: self.raw.start + offset, activated: self.activated.start + offset,
          argmax: self.argmax + offset, mean: self.normalization.center, keptScale: dropout?.scale ?? 1,
          sums: self.songSum(song, 0), products: self.songSum(song, 1))
      }
    }
    var local = [Double](repeating: 0, count: 2 * channels)
    for song in 0..<batch.songs {
      for which in 0..<2 {
        let sums = songSum(song, which)
        for channel in 0..<channels { local[which * channels + channel] += Double(sums[channel]) }
      }
    }
    var shared = local
    if let statistics { try shared.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    normalization.differentiate(
      localSums: local[..<channels], localProducts: local[channels...], sharedSums: shared[..<channels],
      sharedProducts: shared[channels...], gammaGradient: tensors.gammaGradient,
      betaGradient: tensors.betaGradient)
  }

  /// Takes sums of y' and of y'² over this rank's songs, shares them, and sets the batch's normalisation.
  func normalizeBatch(
    _ batch: BatchShape, sums: [Double], squares: [Double], statistics: (any BatchStatisticsReduction)?
  ) throws {
    let columns = batch.inputs[index].reduce(0) { $0 + $1.count }
    var values = sums + squares + [Double(columns * map.rows)]
    if let statistics { try values.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    normalization.useBatch(
      count: values[2 * channels], sums: values[..<channels], squares: values[channels..<2 * channels],
      gamma: tensors.gamma, beta: tensors.beta, bias: tensors.bias, batchMean: tensors.batchMean,
      batchVariance: tensors.batchVariance)
  }

  /// Sets the scale that inference multiplies the weights by, and the shift that it adds.
  func foldMovingStatistics() {
    normalization.fold(
      mean: tensors.movingMean, variance: tensors.movingVariance, gamma: tensors.gamma, beta: tensors.beta,
      bias: tensors.bias)
  }
}

/// A block's tensors inside the arenas.
struct BlockTensors {
  let kernel: UnsafeMutablePointer<Float>
  let bias: UnsafeMutablePointer<Float>
  let gamma: UnsafeMutablePointer<Float>
  let beta: UnsafeMutablePointer<Float>
  let kernelGradient: UnsafeMutablePointer<Double>
  let gammaGradient: UnsafeMutablePointer<Double>
  let betaGradient: UnsafeMutablePointer<Double>
  let movingMean: UnsafeMutablePointer<Float>
  let movingVariance: UnsafeMutablePointer<Float>
  let batchMean: UnsafeMutablePointer<Float>
  let batchVariance: UnsafeMutablePointer<Float>

  init(
    number: Int, parameters: ParameterArena, gradients: GradientArena, moving: ParameterArena,
    batch: ParameterArena
  ) {
    kernel = parameters.start(of: "convolution_\(number)/kernel")
    bias = parameters.start(of: "convolution_\(number)/bias")
    gamma = parameters.start(of: "normalization_\(number)/gamma")
    beta = parameters.start(of: "normalization_\(number)/beta")
    kernelGradient = gradients.start(of: "convolution_\(number)/kernel")
    gammaGradient = gradients.start(of: "normalization_\(number)/gamma")
    betaGradient = gradients.start(of: "normalization_\(number)/beta")
    movingMean = moving.start(of: "normalization_\(number)/moving_mean")
    movingVariance = moving.start(of: "normalization_\(number)/moving_variance")
    batchMean = batch.start(of: "normalization_\(number)/moving_mean")
    batchVariance = batch.start(of: "normalization_\(number)/moving_variance")
  }
}
