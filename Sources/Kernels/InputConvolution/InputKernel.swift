/// The weights of the first convolution as its passes read them: `[input channel][9][channel, padded]`, every output
/// channel multiplied by a factor of its own (a sign in training, batch norm's scale in inference).
struct InputKernel {
  let inputs: Int
  let channels: Int
  let channelStride: Int
  /// Whether rows of the passes are columns of the map (see `InputRows`).
  private let isTurned: Bool
  private let weights: AlignedBuffer

  init(inputs: Int, channels: Int, isTurned: Bool = false) {
    self.inputs = inputs
    self.channels = channels
    self.isTurned = isTurned
    channelStride = padded(channels)
    weights = AlignedBuffer(count: 9 * inputs * channelStride)
  }

  /// Values of an output channel's window: nine of each input channel.
  var taps: Int { 9 * inputs }

  /// Where the weights of a tap stand in a kernel `[3][3][input channel][channel, padded]`.
  func place(of tap: Int) -> Int {
    let within = tap % 9
    let stored = isTurned ? within % 3 * 3 + within / 3 : within
    return (stored * inputs + tap / 9) * channelStride
  }

  /// Takes a kernel as stored, and the factors, 0 in the padding.
  func prepare(_ source: UnsafePointer<Float>, factors: UnsafePointer<Float>) {
    for tap in 0..<taps {
      let (from, to) = (source + place(of: tap), weights.start + tap * channelStride)
      for channel in 0..<channelStride { to[channel] = from[channel] * factors[channel] }
    }
  }

  /// The weights for one input channel of the sixteen output channels from this one on; a tap's stand a channel
  /// stride behind those of the tap before.
  @inline(__always)
  func start(input: Int, channel: Int) -> UnsafePointer<Float> {
    UnsafePointer(weights.start + input * 9 * channelStride + channel)
  }

  /// One position's convolution for the sixteen output channels from this one on.
  @inline(__always)
  func convolve(_ corner: UnsafePointer<Float>, _ input: InputRows, channel: Int) -> Vector {
    var sum = Vector.zero
    for inputChannel in 0..<inputs {
      let weights = start(input: inputChannel, channel: channel)
      let patch = corner + inputChannel * input.channelStride
      for tap in 0..<9 {
        sum = sum.addingProduct(
          Vector.load(weights + tap * channelStride), patch[tap / 3 * input.rowStride + tap % 3])
      }
    }
    return sum
  }

  /// The four positions of a 2×2 window, row by row: they share each weight, and sixteen inputs of each channel, held
  /// in registers while the output channels go by.
  @inline(__always)
  func convolve2x2(_ corner: UnsafePointer<Float>, _ input: InputRows, channel: Int) -> (
    Vector, Vector, Vector, Vector
  ) {
    let r = input.rowStride
    var (a, b, c, d) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    for inputChannel in 0..<input.channels {
      let weights = start(input: inputChannel, channel: channel)
      for i in 0..<3 {
        for j in 0..<3 {
          let weight = Vector.load(weights + (i * 3 + j) * channelStride)
          let x = corner + inputChannel * input.channelStride + i * r + j
          a = a.addingProduct(weight, x[0])
          b = b.addingProduct(weight, x[1])
          c = c.addingProduct(weight, x[r])
          d = d.addingProduct(weight, x[r + 1])
        }
      }
    }
    return (a, b, c, d)
  }

  /// All weights in double precision, `[tap][channel]`.
  func copyValues(to values: UnsafeMutablePointer<Double>) {
    for tap in 0..<taps {
      for channel in 0..<channels {
        values[tap * channels + channel] = Double(weights.start[tap * channelStride + channel])
      }
    }
  }
}
