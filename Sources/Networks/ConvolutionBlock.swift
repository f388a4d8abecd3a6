import Kernels

/// One block of the network: convolution, batch norm, ELU, max pooling, dropout. Holds what the forward pass leaves
/// for the backward pass.
class ConvolutionBlock {
  let index: Int
  let shape: Architecture.ConvolutionShape
  let pooling: PoolingPass
  let activation: ActivationPass
  let normalization: ChannelNormalization
  let team: ThreadTeam
  /// Winners' raw values, their positions, and what the block gives on: `[song][row][column][channel]`.
  let raw: AlignedBuffer
  let winners: UnsafeMutablePointer<UInt8>
  let activated: AlignedBuffer
  /// Gradient for `activated`, then for batch norm's output at the winners.
  let gradient: AlignedBuffer
  /// Two values a channel for each song: sums of the forward or of the backward pass.
  let songSums: AlignedBuffer
  let tensors: BlockTensors

  init(
    index: Int, shape: Architecture.ConvolutionShape, tensors: BlockTensors, maximumBatch: Int, team: ThreadTeam
  ) {
    self.index = index
    self.shape = shape
    self.tensors = tensors
    self.team = team
    pooling = PoolingPass(
      map: MapShape(rows: shape.rows, columns: shape.columns, channels: shape.outputChannels),
      windowRows: shape.pooling.frequency, windowColumns: shape.pooling.time)
    activation = ActivationPass(pooled: pooling.pooled)
    normalization = ChannelNormalization(channels: shape.outputChannels)
    let songs = GatedRecurrence.capacity(maximumBatch)
    let count = songs * pooling.pooled.songStride
    raw = AlignedBuffer(count: count)
    activated = AlignedBuffer(count: count)
    gradient = AlignedBuffer(count: count)
    winners = UnsafeMutablePointer<UInt8>.allocate(capacity: max(count, 1) + 64)
    winners.initialize(repeating: 0, count: max(count, 1) + 64)
    songSums = AlignedBuffer(count: songs * 2 * pooling.map.channelStride)
  }

  deinit { winners.deallocate() }

  var channels: Int { shape.outputChannels }
  var channelStride: Int { pooling.map.channelStride }

  /// Where a song's winners lie.
  func pooledOffset(_ song: Int) -> Int { song * pooling.pooled.songStride }

  /// The two runs of `songSums` of a song.
  func songSum(_ song: Int, _ which: Int) -> UnsafeMutablePointer<Float> {
    songSums.start + (song * 2 + which) * channelStride
  }

  /// Batch norm's affine map, ELU and dropout of all songs.
  func activate(songs: [UInt32], dropout: DropoutMask?) {
    team.measure(
      "batch norm, ELU, dropout", StepProfile.Work(bytes: 8 * songs.count * pooling.pooled.songStride)
    ) {
      team.forEach(songs.count) { song in
        let offset = self.pooledOffset(song)
        self.activation.activate(
          self.raw.start + offset, scale: self.normalization.scale, shift: self.normalization.shift,
          dropout: dropout, song: songs[song], winners: self.winners + offset,
          to: self.activated.start + offset)
      }
    }
  }

  /// Turns `gradient` into that for batch norm's output, sums it, and prepares the dense terms.
  func differentiateActivation(
    songs: Int, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?
  ) throws {
    team.measure(
      "batch norm, ELU, dropout", StepProfile.Work(bytes: 16 * songs * pooling.pooled.songStride)
    ) {
      team.forEach(songs) { song in
        let offset = self.pooledOffset(song)
        self.activation.differentiate(
          self.gradient.start + offset, raw: self.raw.start + offset, activated: self.activated.start + offset,
          winners: self.winners + offset, mean: self.normalization.center, keptScale: dropout?.scale ?? 1,
          sums: self.songSum(song, 0), products: self.songSum(song, 1))
      }
    }
    var local = [Double](repeating: 0, count: 2 * channels)
    for song in 0..<songs {
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
    songs: Int, sums: [Double], squares: [Double], statistics: (any BatchStatisticsReduction)?
  ) throws {
    var values = sums + squares + [Double(songs * pooling.map.positions)]
    if let statistics { try values.withUnsafeMutableBufferPointer { try statistics.sum($0) } }
    normalization.useBatch(
      count: values[2 * channels], sums: values[..<channels], squares: values[channels..<2 * channels],
      gamma: tensors.gamma, beta: tensors.beta, bias: tensors.bias, batchMean: tensors.batchMean,
      batchVariance: tensors.batchVariance)
  }

  func useMovingStatistics() {
    normalization.useMoving(
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
  let kernelGradient: UnsafeMutablePointer<Float>
  let gammaGradient: UnsafeMutablePointer<Float>
  let betaGradient: UnsafeMutablePointer<Float>
  let movingMean: UnsafeMutablePointer<Float>
  let movingVariance: UnsafeMutablePointer<Float>
  let batchMean: UnsafeMutablePointer<Float>
  let batchVariance: UnsafeMutablePointer<Float>

  init(
    number: Int, parameters: ParameterArena, gradients: ParameterArena, moving: ParameterArena,
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
