import Kernels

/// Columns of zeros before and after every song, such as those that bring 1,366 frames to 1,440 in Choi et al. 2016. In
/// front of the first convolution the zeros count in the input's batch norm, as in Keras.
package struct ZeroPaddingLayer: Layer {
  package let name = "padding"
  let before: Int
  let after: Int

  package init(before: Int, after: Int) { (self.before, self.after) = (before, after) }

  package func output(of input: SignalShape) -> SignalShape {
    SignalShape(rows: input.rows, columns: input.columns.map(columns(of:)), channels: input.channels)
  }

  package func columns(of columns: Int) -> Int { columns + before + after }
  package func mostColumns(of columns: Int, songs: Int) -> Int { columns + songs * (before + after) }
  package func fewestColumns(for columns: Int) -> Int { max(1, columns - before - after) }

  package var operations: [LayerOperation]? { [.zeroPadding(before: before, after: after)] }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [SummaryRow(name, "zeros, \(before) before and \(after) after", output(of: input).mapAxes)]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { ZeroPaddingPass(self, site) }
}

private final class ZeroPaddingPass: LayerPass {
  let output: Signal
  private let layer: ZeroPaddingLayer
  private let index: Int
  private let source: Signal
  private let team: ThreadTeam

  init(_ layer: ZeroPaddingLayer, _ site: LayerSite) {
    self.layer = layer
    index = site.index
    source = site.input
    team = site.team
    let shape = layer.output(of: source.shape)
    let columns = layer.mostColumns(of: site.maximumColumns, songs: site.maximumBatch)
    output =
      source.isInput
      ? Signal(input: shape, columns: columns)
      : Signal(shape, maximumBatch: site.maximumBatch, maximumColumns: columns)
  }

  func forward(_ batch: BatchPass) {
    team.forEach(batch.count) { song in
      self.forEachRow(of: song, batch) { inner, outer, count, width in
        (self.output.values + outer).update(repeating: 0, count: (count + self.added) * width)
        (self.output.values + outer + self.layer.before * width)
          .update(from: self.source.values + inner, count: count * width)
      }
    }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  func backward(_ batch: BatchPass) {
    if source.isInput { return }
    team.forEach(batch.count) { song in
      self.forEachRow(of: song, batch) { inner, outer, count, width in
        (self.source.gradient + inner)
          .update(from: self.output.gradient + outer + self.layer.before * width, count: count * width)
      }
    }
  }

  private var added: Int { layer.before + layer.after }

  /// Where every row of a song begins in the input and in the output, its columns in the input, and the floats of each.
  /// The rows of a segment of the network's input stand together: they are one.
  private func forEachRow(
    of song: Int, _ batch: BatchPass, _ body: (_ inner: Int, _ outer: Int, _ count: Int, _ width: Int) -> Void
  ) {
    let (input, padded) = (batch.input(index)[song], batch.output(index)[song])
    let (inner, outer) = (source.offset(song, input), output.offset(song, padded))
    let rows = source.isInput ? 1 : source.shape.rows
    let width = source.columnStride / rows
    for row in 0..<rows {
      body(inner + row * input.count * width, outer + row * padded.count * width, input.count, width)
    }
  }
}
