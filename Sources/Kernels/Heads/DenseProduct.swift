/// The products of a dense layer from one vector a song to another: forward, and both gradients.
///
/// A kernel is copied into panels first (see `PanelProduct`): in its own layout the lines of memory that a product reads
/// one after the other lie 2 KB apart, and a processor's cache keeps few of those.
public final class DenseProduct {
  public let inputs: Int
  public let outputs: Int
  private let inputStride: Int
  private let outputStride: Int
  private let team: ThreadTeam
  private let panels: AlignedBuffer
  /// Of the transposed kernel. Columns beyond the inputs are never written and stay zero.
  private let transposedPanels: AlignedBuffer

  public init(inputs: Int, outputs: Int, team: ThreadTeam) {
    self.inputs = inputs
    self.outputs = outputs
    self.team = team
    inputStride = padded(inputs)
    outputStride = padded(outputs)
    panels = AlignedBuffer(count: inputs * outputStride)
    transposedPanels = AlignedBuffer(count: outputs * inputStride)
  }

  /// Songs that a buffer of one row each must have room for.
  public static func rowCapacity(_ songs: Int) -> Int { PanelProduct.rowCapacity(songs) }

  /// `target = values·kernel`. A song's result does not depend on the others.
  /// - Parameters:
  ///   - values: `[song][input, padded]`, with room for `rowCapacity` songs.
  ///   - songs: how many songs there are.
  ///   - kernel: `[input][output, padded]`.
  ///   - target: `[song][output, padded]`, with room for `rowCapacity` songs.
  ///   - finish: what is to be done with sixteen outputs of all songs while they are in cache; it is given the first of
  ///     them, on whatever thread multiplied them.
  public func forward(
    _ values: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>, finish: (_ output: Int) -> Void = { _ in }
  ) {
    let (inputs, outputStride) = (inputs, outputStride)
    multiply(values, songs, inner: inputs, inputStride, by: panels, outputStride, to: target, finish: finish) {
      column, panel in
      for input in 0..<inputs {
        Vector.load(kernel + input * outputStride + column).store(panel + input * vectorWidth)
      }
    }
  }

  /// The gradient for the inputs: that for the outputs times the transposed kernel.
  public func propagate(
    _ gradient: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>,
    to target: UnsafeMutablePointer<Float>
  ) {
    let (inputs, outputs, outputStride) = (inputs, outputs, outputStride)
    multiply(gradient, songs, inner: outputs, outputStride, by: transposedPanels, inputStride, to: target) {
      column, panel in
      Transposition.write(
        kernel + column * outputStride, rows: min(vectorWidth, inputs - column), columns: 0..<outputs,
        stride: outputStride, to: panel, stride: vectorWidth)
    }
  }

  /// - Parameters:
  ///   - finish: told of a panel's first column when the result's columns are there.
  ///   - pack: writes the right-hand matrix's columns from one on into their panel.
  private func multiply(
    _ a: UnsafePointer<Float>, _ songs: Int, inner: Int, _ aStride: Int, by panels: AlignedBuffer, _ columns: Int,
    to target: UnsafeMutablePointer<Float>, finish: (Int) -> Void = { _ in },
    pack: (Int, UnsafeMutablePointer<Float>) -> Void
  ) {
    // Each panel is multiplied where it was packed, out of the cache of one processor.
    team.forEach(columns / vectorWidth) { number in
      let column = number * vectorWidth
      let panel = panels.start + column * inner
      pack(column, panel)
      PanelProduct.multiply(
        rows: songs, columns: vectorWidth, inner: inner, a: a, aStride: aStride, panels: panel, c: target + column,
        cStride: columns)
      finish(column)
    }
  }

  /// The kernel's gradient, `[input][output, padded]`, written over what is there.
  public func sumGradient(
    _ values: UnsafePointer<Float>, _ gradient: UnsafePointer<Float>, songs: Int,
    to target: UnsafeMutablePointer<Double>
  ) {
    let (inputs, inputStride, outputStride) = (inputs, inputStride, outputStride)
    if SparseOuterSum.suits(values, songs: songs, stride: inputStride) {
      let rows = SparseOuterSum.rowsOfTask
      team.forEach((inputs + rows - 1) / rows) { group in
        SparseOuterSum.write(
          rows: group * rows..<min((group + 1) * rows, inputs), columns: outputStride, songs: songs, a: values,
          aStride: inputStride, b: gradient, bStride: outputStride, to: target)
      }
      return
    }
    let rows = 4 * OuterSum.rows
    team.forEach((inputs + rows - 1) / rows) { group in
      OuterSum.write(
        rows: group * rows..<min((group + 1) * rows, inputs), columns: outputStride, songs: songs, a: values,
        aStride: inputStride, b: gradient, bStride: outputStride, to: target)
    }
  }
}
