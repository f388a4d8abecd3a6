import Kernels

/// A recurrent layer that reads each song from its start, and another that reads it from its end; what both say of a
/// step stands side by side, the forward direction first (Schuster and Paliwal 1997; Keras's `Bidirectional`). Of
/// layers that return their last state it joins these: that of the backward direction is its state at the first step.
package struct BidirectionalLayer: Layer {
  package let name: String
  private let make: @Sendable (String) -> any Layer

  /// - Parameter make: makes the layer of a direction, whose tensors begin with the name it is given.
  package init(_ name: String, _ make: @escaping @Sendable (String) -> any Layer) {
    (self.name, self.make) = (name, make)
  }

  fileprivate var forward: any Layer { make("\(name)/forward") }
  fileprivate var backward: any Layer { make("\(name)/backward") }

  package func output(of input: SignalShape) -> SignalShape {
    var shape = forward.output(of: input)
    shape.channels += backward.output(of: input).channels
    return shape
  }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    forward.trainableTensors(of: input) + backward.trainableTensors(of: input)
  }

  /// Both directions are one operation, of a layer that is one.
  package var operations: [LayerOperation]? {
    guard case .recurrence(var recurrence)? = forward.operations?.first, forward.operations?.count == 1 else {
      return nil
    }
    recurrence.name = name
    recurrence.isBidirectional = true
    return [.recurrence(recurrence)]
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    let shape = output(of: input)
    let kind = forward.summary(of: input).map(\.kind).joined(separator: ", ")
    return [SummaryRow(name, "both directions: \(kind)", (shape.columns.map { [$0] } ?? []) + [shape.channels])]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { BidirectionalPass(self, site) }
}

private final class BidirectionalPass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  /// The songs from their ends.
  private let reversed: Signal
  private let forwardPass: any LayerPass
  private let backwardPass: any LayerPass
  private let team: ThreadTeam

  init(_ layer: BidirectionalLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    team = site.team
    reversed = Signal(source.shape, maximumBatch: site.maximumBatch, maximumColumns: site.maximumColumns)
    forwardPass = layer.forward.makePass(at: site)
    backwardPass = layer.backward.makePass(
      at: LayerSite(
        index: site.index, input: reversed, tensors: site.tensors, maximumBatch: site.maximumBatch,
        maximumColumns: site.maximumColumns, firstDropout: site.firstDropout, team: site.team))
    output = Signal(
      layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: site.maximumColumns)
  }

  var scratchCount: Int { max(forwardPass.scratchCount, backwardPass.scratchCount) }

  func forward(_ batch: BatchPass) throws {
    reverseInput(batch)
    try forwardPass.forward(batch)
    try backwardPass.forward(batch)
    joinOutputs(batch)
  }

  func infer(_ batch: BatchPass) throws {
    reverseInput(batch)
    try forwardPass.infer(batch)
    try backwardPass.infer(batch)
    joinOutputs(batch)
  }

  func backward(_ batch: BatchPass) throws {
    forEachStep(of: output, batch) { song, span, step, mirrored in
      let given = self.place(self.output, self.output.gradient, song, span, step)
      let first = self.forwardPass.output
      self.place(first, first.gradient, song, span, step).update(from: given, count: first.shape.channels)
      let second = self.backwardPass.output
      self.place(second, second.gradient, song, span, mirrored)
        .update(from: given + first.shape.channels, count: second.shape.channels)
    }
    try forwardPass.backward(batch)
    try backwardPass.backward(batch)
    forEachStep(of: source, batch) { song, span, step, mirrored in
      let target = self.place(self.source, self.source.gradient, song, span, step)
      let other = self.place(self.reversed, self.reversed.gradient, song, span, mirrored)
      for i in 0..<self.source.shape.channels { target[i] += other[i] }
    }
  }

  private func reverseInput(_ batch: BatchPass) {
    forEachStep(of: source, batch) { song, span, step, mirrored in
      self.place(self.reversed, self.reversed.values, song, span, mirrored)
        .update(
          from: self.place(self.source, self.source.values, song, span, step), count: self.source.channelStride)
    }
  }

  private func joinOutputs(_ batch: BatchPass) {
    let (first, second) = (forwardPass.output, backwardPass.output)
    forEachStep(of: output, batch) { song, span, step, mirrored in
      let target = self.place(self.output, self.output.values, song, span, step)
      target.update(from: self.place(first, first.values, song, span, step), count: first.shape.channels)
      (target + first.shape.channels).update(
        from: self.place(second, second.values, song, span, mirrored), count: second.shape.channels)
    }
  }

  /// Where a step of a song begins; of a signal without steps the song's one row.
  private func place(
    _ signal: Signal, _ memory: UnsafeMutablePointer<Float>, _ song: Int, _ span: SongSpan, _ step: Int
  ) -> UnsafeMutablePointer<Float> {
    let start = memory + signal.offset(song, span)
    return signal.shape.columns == nil ? start : start + step * signal.channelStride
  }

  /// Calls the body for every step of a signal and the one that has its place from the end; once for a song of a signal
  /// without steps.
  private func forEachStep(
    of signal: Signal, _ batch: BatchPass, _ body: (Int, SongSpan, _ step: Int, _ mirrored: Int) -> Void
  ) {
    team.forEach(batch.count) { song in
      let span = batch.input(self.index)[song]
      let steps = signal.shape.columns == nil ? 1 : span.count
      for step in 0..<steps { body(song, span, step, steps - 1 - step) }
    }
  }
}
