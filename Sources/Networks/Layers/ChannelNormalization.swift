import Kernels

/// Batch norm of one convolution's output, reduced to a few values a channel (Ioffe and Szegedy 2015).
///
/// Channels with a negative scale γ are computed with their sign turned: y' = s·y with s = sign γ, so that
/// z = |γ|·x̂' + β rises with y' and max pooling may come before normalisation. Outside this type and the weight
/// preparation nobody needs to know.
final class ChannelNormalization {
  static let epsilon = LayerOperation.normalizationEpsilon

  let channels: Int
  private let vectors: ChannelVectors
  /// Positions of the whole (shared) batch.
  private var count = 0.0
  private var mean: [Double]
  private var inverseDeviation: [Double]

  init(channels: Int) {
    self.channels = channels
    vectors = ChannelVectors(channels: channels, rows: 6)
    mean = Array(repeating: 0, count: channels)
    inverseDeviation = mean
  }

  /// +1 or −1, 0 in the padding.
  var signs: UnsafeMutablePointer<Float> { vectors[0] }
  /// z = scale·y' + shift.
  var scale: UnsafeMutablePointer<Float> { vectors[1] }
  var shift: UnsafeMutablePointer<Float> { vectors[2] }
  /// Mean of y'.
  var center: UnsafeMutablePointer<Float> { vectors[3] }
  /// Gradient for y': scale·g + constant + slope·y'.
  var constant: UnsafeMutablePointer<Float> { vectors[4] }
  var slope: UnsafeMutablePointer<Float> { vectors[5] }

  func setSigns(gamma: UnsafePointer<Float>) {
    for channel in 0..<channels { signs[channel] = gamma[channel] < 0 ? -1 : 1 }
  }

  /// Takes the statistics of the batch: sums and sums of squares of y' over `count` positions. Writes mean and
  /// (biased) variance of y, bias included, for the moving statistics.
  func useBatch(
    count: Double, sums: UnsafePointer<Double>, squares: UnsafePointer<Double>, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>, bias: UnsafePointer<Float>, batchMean: UnsafeMutablePointer<Float>,
    batchVariance: UnsafeMutablePointer<Float>
  ) {
    self.count = count
    for channel in 0..<channels {
      mean[channel] = sums[channel] / count
      let variance = max(0, squares[channel] / count - mean[channel] * mean[channel])
      inverseDeviation[channel] = 1 / (variance + Self.epsilon).squareRoot()
      batchMean[channel] = Float(mean[channel] * Double(signs[channel])) + bias[channel]
      batchVariance[channel] = Float(variance)
      let scale = abs(Double(gamma[channel])) * inverseDeviation[channel]
      self.scale[channel] = Float(scale)
      shift[channel] = Float(Double(beta[channel]) - scale * mean[channel])
      center[channel] = Float(mean[channel])
    }
  }

  /// Takes the moving statistics for inference, where batch norm goes into the weights: z = scale·w·x + shift, the
  /// scale with γ's sign. Only these two are set.
  func fold(
    mean: UnsafePointer<Float>, variance: UnsafePointer<Float>, gamma: UnsafePointer<Float>,
    beta: UnsafePointer<Float>, bias: UnsafePointer<Float>
  ) {
    for channel in 0..<channels {
      let scale = Double(gamma[channel]) / (Double(variance[channel]) + Self.epsilon).squareRoot()
      self.scale[channel] = Float(scale)
      shift[channel] = Float(Double(beta[channel]) + scale * (Double(bias[channel]) - Double(mean[channel])))
    }
  }

  /// Gradients for γ and β from this rank's sums of dz and of dz·(y' − mean), and, from the sums over all ranks
  /// that share the statistics, the dense terms of the gradient for y'.
  func differentiate(
    localSums: UnsafePointer<Double>, localProducts: UnsafePointer<Double>, sharedSums: UnsafePointer<Double>,
    sharedProducts: UnsafePointer<Double>, gammaGradient: UnsafeMutablePointer<Double>,
    betaGradient: UnsafeMutablePointer<Double>
  ) {
    for channel in 0..<channels {
      let inverse = inverseDeviation[channel]
      let products = localProducts[channel] * inverse
      betaGradient[channel] = localSums[channel]
      gammaGradient[channel] = products * Double(signs[channel])
      let scale = Double(self.scale[channel]) / count
      let slope = -scale * inverse * inverse * sharedProducts[channel]
      self.slope[channel] = Float(slope)
      constant[channel] = Float(
        -scale * sharedSums[channel] - slope * mean[channel])
    }
  }
}
