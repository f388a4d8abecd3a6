import Kernels

/// Batch norm over the songs of a batch, of one vector each (Ioffe and Szegedy 2015).
final class VectorNormalization {
  private let channels: Int
  private let stride: Int
  private let tensors: NormalizationTensors
  /// Two values a channel over this replica's songs; and over all that share the statistics, then their count.
  private let localSums: AlignedSums
  private let sharedSums: AlignedSums
  private let vectors: ChannelVectors
  private var songs = 0.0
  private var mean: [Double]
  private var inverseDeviation: [Double]

  init(_ name: String, channels: Int, _ tensors: LayerTensors) {
    self.channels = channels
    stride = padded(channels)
    self.tensors = NormalizationTensors(name, tensors)
    localSums = AlignedSums(count: 2 * channels)
    sharedSums = AlignedSums(count: 2 * channels + 1)
    vectors = ChannelVectors(channels: channels, rows: 2)
    mean = Array(repeating: 0, count: channels)
    inverseDeviation = mean
  }

  /// z = scale·y + shift.
  private var scale: UnsafeMutablePointer<Float> { vectors[0] }
  private var shift: UnsafeMutablePointer<Float> { vectors[1] }

  /// Sixteen channels' values from `first` on, normalised.
  @inline(__always)
  func normalized(_ values: Vector, _ first: Int) -> Vector {
    Vector.load(shift + first).addingProduct(values, Vector.load(scale + first))
  }

  /// Takes the statistics of the batch, `values` being `[song][channel, padded]`.
  func useBatch(
    _ values: UnsafePointer<Float>, songs: Int, _ statistics: (any BatchStatisticsReduction)?
  ) throws {
    localSums.zero()
    for song in 0..<songs {
      for channel in 0..<channels {
        let value = Double(values[song * stride + channel])
        localSums.start[channel] += value
        localSums.start[channels + channel] += value * value
      }
    }
    sharedSums.start.update(from: localSums.start, count: 2 * channels)
    sharedSums.start[2 * channels] = Double(songs)
    try statistics?.sum(sharedSums.all)
    self.songs = max(sharedSums.start[2 * channels], 1)
    for channel in 0..<channels {
      mean[channel] = sharedSums.start[channel] / self.songs
      let variance = max(0, sharedSums.start[channels + channel] / self.songs - mean[channel] * mean[channel])
      tensors.batchMean[channel] = Float(mean[channel])
      tensors.batchVariance[channel] = Float(variance)
      set(channel, mean: mean[channel], variance: variance)
    }
  }

  /// Takes the moving statistics, for inference.
  func useMoving() {
    for channel in 0..<channels {
      set(channel, mean: Double(tensors.movingMean[channel]), variance: Double(tensors.movingVariance[channel]))
    }
  }

  private func set(_ channel: Int, mean: Double, variance: Double) {
    inverseDeviation[channel] = 1 / (variance + ChannelNormalization.epsilon).squareRoot()
    let scale = Double(tensors.gamma[channel]) * inverseDeviation[channel]
    self.scale[channel] = Float(scale)
    shift[channel] = Float(Double(tensors.beta[channel]) - scale * mean)
  }

  /// Turns the gradient for the output into that for the input, which takes the place of the input, and writes those for
  /// γ and β.
  func differentiate(
    _ gradient: UnsafePointer<Float>, raw: UnsafeMutablePointer<Float>, songs: Int,
    _ statistics: (any BatchStatisticsReduction)?
  ) throws {
    localSums.zero()
    for song in 0..<songs {
      for channel in 0..<channels {
        let given = Double(gradient[song * stride + channel])
        localSums.start[channel] += given
        localSums.start[channels + channel] += given * standard(raw[song * stride + channel], channel)
      }
    }
    for channel in 0..<channels {
      tensors.betaGradient[channel] = localSums.start[channel]
      tensors.gammaGradient[channel] = localSums.start[channels + channel]
    }
    sharedSums.start.update(from: localSums.start, count: 2 * channels)
    try statistics?.sum(UnsafeMutableBufferPointer(start: sharedSums.start, count: 2 * channels))
    for song in 0..<songs {
      for channel in 0..<channels {
        let place = song * stride + channel
        let common =
          (sharedSums.start[channel] + standard(raw[place], channel) * sharedSums.start[channels + channel])
          / self.songs
        raw[place] = Float(
          Double(tensors.gamma[channel]) * inverseDeviation[channel] * (Double(gradient[place]) - common))
      }
    }
  }

  /// A value less its mean, in deviations.
  private func standard(_ value: Float, _ channel: Int) -> Double {
    (Double(value) - mean[channel]) * inverseDeviation[channel]
  }
}
