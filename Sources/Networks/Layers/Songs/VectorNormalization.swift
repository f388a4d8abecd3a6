import Kernels

/// Batch norm over the songs of a batch, of one vector each (Ioffe and Szegedy 2015).
///
/// All its sums are in double precision and over the songs in their order. Threads divide the channels, sixteen to a task.
final class VectorNormalization {
  private typealias Doubles = SIMD8<Double>

  private let stride: Int
  private let tensors: NormalizationTensors
  private let team: ThreadTeam
  /// Two values a channel, `[2][channel, padded]`, over this replica's songs; and over all that share the statistics,
  /// with their count behind them.
  private let localSums: AlignedSums
  private let sharedSums: AlignedSums
  private let vectors: ChannelVectors
  private var songs = 0.0
  /// Mean and inverse deviation of each channel.
  private let mean: AlignedSums
  private let inverseDeviation: AlignedSums

  init(_ name: String, channels: Int, _ tensors: LayerTensors, _ team: ThreadTeam) {
    stride = padded(channels)
    self.team = team
    self.tensors = NormalizationTensors(name, tensors)
    localSums = AlignedSums(count: 2 * stride)
    sharedSums = AlignedSums(count: 2 * stride + 1)
    vectors = ChannelVectors(channels: channels, rows: 2)
    mean = AlignedSums(count: stride)
    inverseDeviation = AlignedSums(count: stride)
  }

  /// z = scale·y + shift.
  private var scale: UnsafeMutablePointer<Float> { vectors[0] }
  private var shift: UnsafeMutablePointer<Float> { vectors[1] }

  /// Sixteen channels' values from `first` on, normalised.
  @inline(__always)
  func normalized(_ values: Vector, _ first: Int) -> Vector {
    Vector.load(shift + first).addingProduct(values, Vector.load(scale + first))
  }

  /// Sums the values and their squares of sixteen channels, from `first` on, over the songs: `[song][channel, padded]`.
  func sum(_ values: UnsafePointer<Float>, songs: Int, first: Int) {
    for channel in Swift.stride(from: first, to: first + vectorWidth, by: Doubles.scalarCount) {
      var sum = Doubles.zero
      var squares = Doubles.zero
      for song in 0..<songs {
        let value = SIMD8<Float>.load(values + song * stride + channel).doubles
        sum += value
        squares += value * value
      }
      sum.store(localSums.start + channel)
      squares.store(localSums.start + stride + channel)
    }
  }

  /// Takes the statistics of the batch, of whose channels each was summed.
  func useBatch(songs: Int, _ statistics: (any BatchStatisticsReduction)?) throws {
    sharedSums.start.update(from: localSums.start, count: 2 * stride)
    sharedSums.start[2 * stride] = Double(songs)
    try statistics?.sum(sharedSums.all)
    self.songs = max(sharedSums.start[2 * stride], 1)
    forEachChannels { channel in
      let mean = Doubles.load(sharedSums.start + channel) / self.songs
      let difference = Doubles.load(sharedSums.start + stride + channel) / self.songs - mean * mean
      let variance = difference.replacing(with: 0, where: difference .< 0)
      SIMD8<Float>(rounding: mean).store(tensors.batchMean + channel)
      SIMD8<Float>(rounding: variance).store(tensors.batchVariance + channel)
      set(channel, mean: mean, variance: variance)
    }
  }

  /// Takes the moving statistics, for inference.
  func useMoving() {
    forEachChannels { channel in
      set(
        channel, mean: SIMD8<Float>.load(tensors.movingMean + channel).doubles,
        variance: SIMD8<Float>.load(tensors.movingVariance + channel).doubles)
    }
  }

  private func set(_ channel: Int, mean: Doubles, variance: Doubles) {
    let inverse = 1 / (variance + ChannelNormalization.epsilon).squareRoot()
    let scale = SIMD8<Float>.load(tensors.gamma + channel).doubles * inverse
    mean.store(self.mean.start + channel)
    inverse.store(inverseDeviation.start + channel)
    SIMD8<Float>(rounding: scale).store(self.scale + channel)
    SIMD8<Float>(rounding: SIMD8<Float>.load(tensors.beta + channel).doubles - scale * mean).store(shift + channel)
  }

  /// Turns the gradient for what was made of the output into that for the input, which takes the place of the input, and
  /// writes those for γ and β.
  ///
  /// - Parameters:
  ///   - gradient: `[song][channel, padded]`.
  ///   - slopes: the derivative of what was made of the output, the same shape.
  ///   - raw: the input, the same shape; written over.
  func differentiate(
    _ gradient: UnsafeMutablePointer<Float>, slopes: UnsafePointer<Float>, raw: UnsafeMutablePointer<Float>,
    songs: Int, _ statistics: (any BatchStatisticsReduction)?
  ) throws {
    forEachChannelsOnAllThreads { self.sumGradients(gradient, slopes, raw, songs, $0) }
    sharedSums.start.update(from: localSums.start, count: 2 * stride)
    try statistics?.sum(UnsafeMutableBufferPointer(start: sharedSums.start, count: 2 * stride))
    forEachChannelsOnAllThreads { self.propagate(gradient, raw, songs, $0) }
  }

  /// Multiplies the gradient by the slopes and sums it, and it times the standardised input, over the songs.
  private func sumGradients(
    _ gradient: UnsafeMutablePointer<Float>, _ slopes: UnsafePointer<Float>, _ raw: UnsafePointer<Float>,
    _ songs: Int, _ channel: Int
  ) {
    let mean = Doubles.load(mean.start + channel)
    let inverse = Doubles.load(inverseDeviation.start + channel)
    var sum = Doubles.zero
    var products = Doubles.zero
    for song in 0..<songs {
      let place = song * stride + channel
      let given = SIMD8<Float>.load(gradient + place) * SIMD8<Float>.load(slopes + place)
      given.store(gradient + place)
      sum += given.doubles
      products += given.doubles * ((SIMD8<Float>.load(raw + place).doubles - mean) * inverse)
    }
    sum.store(tensors.betaGradient + channel)
    products.store(tensors.gammaGradient + channel)
    sum.store(localSums.start + channel)
    products.store(localSums.start + stride + channel)
  }

  /// γ / σ · (gradient − mean of the gradients − standardised input · mean of the gradients times it).
  private func propagate(
    _ gradient: UnsafePointer<Float>, _ raw: UnsafeMutablePointer<Float>, _ songs: Int, _ channel: Int
  ) {
    let mean = Doubles.load(mean.start + channel)
    let inverse = Doubles.load(inverseDeviation.start + channel)
    let factor = SIMD8<Float>.load(tensors.gamma + channel).doubles * inverse
    let sum = Doubles.load(sharedSums.start + channel)
    let products = Doubles.load(sharedSums.start + stride + channel)
    for song in 0..<songs {
      let place = song * stride + channel
      let standard = (SIMD8<Float>.load(raw + place).doubles - mean) * inverse
      let common = (sum + standard * products) / self.songs
      let given = SIMD8<Float>.load(gradient + place).doubles
      SIMD8<Float>(rounding: factor * (given - common)).store(raw + place)
    }
  }

  private func forEachChannels(_ body: (_ channel: Int) -> Void) {
    for channel in Swift.stride(from: 0, to: stride, by: Doubles.scalarCount) { body(channel) }
  }

  private func forEachChannelsOnAllThreads(_ body: (_ channel: Int) -> Void) {
    team.forEach(stride / vectorWidth) { task in
      body(task * vectorWidth)
      body(task * vectorWidth + Doubles.scalarCount)
    }
  }
}
