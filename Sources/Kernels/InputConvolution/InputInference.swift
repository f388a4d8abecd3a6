/// The first convolution in inference: 3×3 same over few input channels, the batch norm behind it folded into the
/// weights, max pooling and ELU in one pass. Nothing is left for a backward pass, so nobody asks who won a window.
public final class InputInference {
  private let frequencies: Int
  private let windowRows: Int
  private let windowColumns: Int
  private let isTurned: Bool
  private let kernel: InputKernel
  private var channelStride: Int { kernel.channelStride }

  /// - Parameters:
  ///   - frequencies: rows of an input channel.
  ///   - inputs: channels of the input.
  ///   - channels: channels of the map.
  ///   - windowRows: rows of a pooling window.
  ///   - windowColumns: its columns.
  ///   - isTurned: see `InputRows`; frequencies and windows are then those of the turned rows.
  public init(
    frequencies: Int, inputs: Int, channels: Int, windowRows: Int, windowColumns: Int, isTurned: Bool = false
  ) {
    self.frequencies = frequencies
    self.isTurned = isTurned
    self.windowRows = windowRows
    self.windowColumns = windowColumns
    kernel = InputKernel(inputs: inputs, channels: channels, isTurned: isTurned)
  }

  /// Takes the kernel `[3][3][input channel][channel, padded]`, every output channel to be multiplied by its factor
  /// (0 in the padding).
  public func prepareWeights(_ source: UnsafePointer<Float>, factors: UnsafePointer<Float>) {
    kernel.prepare(source, factors: factors)
  }

  /// ELU of each window's largest convolution plus the channel's shift: `[row][column][channel]`.
  public func run(
    _ song: UnsafePointer<Float>, input: InputRows, shift: UnsafePointer<Float>,
    to activated: UnsafeMutablePointer<Float>
  ) {
    let isTwoByTwo = windowRows == 2 && windowColumns == 2
    let pooledColumns = input.segments / windowColumns
    let (rowStep, columnStep) = InputConvolution.steps(
      rows: frequencies / windowRows, columns: pooledColumns, channelStride, isTurned: isTurned)
    for row in 0..<frequencies / windowRows {
      var patch = song + row * windowRows * input.rowStride + InputRows.margin - 1
      var target = activated + row * rowStep
      for _ in 0..<pooledColumns {
        for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
          var best: Vector
          if isTwoByTwo {
            let (a, b, c, d) = kernel.convolve2x2(patch, input, channel: channel)
            best = a.larger(b).larger(c.larger(d))
          } else {
            best = Vector(repeating: -.infinity)
            for position in 0..<windowRows * windowColumns {
              let corner = patch + position / windowColumns * input.rowStride + position % windowColumns
              best = best.larger(kernel.convolve(corner, input, channel: channel))
            }
          }
          (best + Vector.load(shift + channel)).exponentialLinear.store(target + channel)
        }
        target += columnStep
        patch += windowColumns
      }
    }
  }
}
