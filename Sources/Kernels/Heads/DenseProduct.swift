/// The products of a dense layer from one vector a song to another: forward, and both gradients.
public final class DenseProduct {
  public let inputs: Int
  public let outputs: Int
  private let inputStride: Int
  private let outputStride: Int
  private let team: ThreadTeam
  /// `[output][input, padded]`
  private let transposedKernel: AlignedBuffer

  public init(inputs: Int, outputs: Int, team: ThreadTeam) {
    self.inputs = inputs
    self.outputs = outputs
    self.team = team
    inputStride = padded(inputs)
    outputStride = padded(outputs)
    transposedKernel = AlignedBuffer(count: outputs * inputStride)
  }

  /// `target = values·kernel`, `[song][output, padded]`. Both have room for `SigmoidOutput.rowCapacity` songs; a song's
  /// result does not depend on the others.
  public func forward(
    _ values: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    multiply(values, songs, inner: inputs, inputStride, kernel, outputStride, to: target)
  }

  /// The gradient for the inputs: that for the outputs times the transposed kernel.
  public func propagate(
    _ gradient: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (transposed, inputStride, outputStride) = (transposedKernel.start, inputStride, outputStride)
    let outputs = outputs
    team.forEach(inputs) { input in
      for output in 0..<outputs {
        transposed[output * inputStride + input] = kernel[input * outputStride + output]
      }
    }
    multiply(gradient, songs, inner: outputs, outputStride, transposed, inputStride, to: target)
  }

  private func multiply(
    _ a: UnsafePointer<Float>, _ songs: Int, inner: Int, _ aStride: Int, _ b: UnsafePointer<Float>, _ columns: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    team.forEach((songs + RowProduct.rows - 1) / RowProduct.rows) { group in
      let first = group * RowProduct.rows
      RowProduct.multiply(
        inner: inner, columns: columns, a: a + first * aStride, aStride: aStride, b: b, bStride: columns,
        bias: nil,
        c: target + first * columns, cStride: columns)
    }
  }

  /// The kernel's gradient, `[input][output, padded]`, written over what is there. Each song's part is taken in single
  /// precision and added in double precision, in the order of the songs: see `GradientSum`.
  public func sumGradient(
    _ values: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, songs: Int,
    to target: UnsafeMutablePointer<Double>
  ) {
    let (inputStride, outputStride) = (inputStride, outputStride)
    team.forEach(inputs) { input in
      for vector in stride(from: 0, to: outputStride, by: vectorWidth) {
        var (low, high) = (SIMD8<Double>.zero, SIMD8<Double>.zero)
        for song in 0..<songs {
          let part = Vector.load(gradient + song * outputStride + vector) * values[song * inputStride + input]
          low += part.lowHalf.doubles
          high += part.highHalf.doubles
        }
        low.store(target + input * outputStride + vector)
        high.store(target + input * outputStride + vector + SIMD8<Double>.scalarCount)
      }
    }
  }
}
