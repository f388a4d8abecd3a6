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
    let (inputs, outputs, block) = (inputs, outputs, Transposition.block)
    team.forEach((outputs + block - 1) / block) { group in
      Transposition.write(
        kernel, rows: inputs, columns: group * block..<min((group + 1) * block, outputs), stride: outputStride,
        to: transposed, stride: inputStride)
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

  /// The kernel's gradient, `[input][output, padded]`, written over what is there.
  public func sumGradient(
    _ values: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, songs: Int,
    to target: UnsafeMutablePointer<Double>
  ) {
    let (inputs, inputStride, outputStride) = (inputs, inputStride, outputStride)
    let rows = 16
    team.forEach((inputs + rows - 1) / rows) { group in
      OuterSum.write(
        rows: group * rows..<min((group + 1) * rows, inputs), columns: outputStride, songs: songs, a: values,
        aStride: inputStride, b: gradient, bStride: outputStride, to: target)
    }
  }
}
