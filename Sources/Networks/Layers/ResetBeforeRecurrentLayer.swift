import Kernels

/// A gated recurrent unit in its first form, Keras's `GRU(reset_after=False)`: the reset gate comes before the recurrent
/// product, and a gate has one bias (Cho et al. 2014, equations 5 to 8).
///
///     z = σ(x Kz + bz + h Uz)
///     r = σ(x Kr + br + h Ur)
///     g = tanh(x Kg + bg + (r ⊙ h) Ug)
///     h' = z ⊙ h + (1 − z) ⊙ g
package struct ResetBeforeRecurrentLayer: Layer {
  let description: RecurrentDescription

  package init(_ name: String, units: Int, returning: RecurrentLayer.Returning) {
    description = RecurrentDescription(name: name, units: units, returning: returning, biasRows: [])
  }

  package var name: String { description.name }
  package func output(of input: SignalShape) -> SignalShape { description.output(of: input) }
  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    description.trainableTensors(of: input)
  }
  package var operations: [LayerOperation]? { description.operations(resetAfter: false) }
  package func summary(of input: SignalShape) -> [SummaryRow] {
    description.summary(of: input, kind: "GRU, reset before the product")
  }
  package func makePass(at site: LayerSite) -> any LayerPass { ResetBeforePass(self, site) }
}

/// A song is one task: its steps wait for one another, and what a step computes stays in cache.
private final class ResetBeforePass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  private let returning: RecurrentLayer.Returning
  private let team: ThreadTeam
  private let units: Int
  private let unitStride: Int
  private var gateStride: Int { 3 * unitStride }
  private let tensors: RecurrentTensors
  /// `[song][step + 1][unit]`, row 0 being the zero state; and r ⊙ h of the state before each step.
  private let states: AlignedBuffer
  private let resetStates: AlignedBuffer
  /// z, r and g, then the gradients for what they were applied to: `[song][step + 1][gate]`, the last row unused.
  private let gates: AlignedBuffer
  /// The same gradients where the input's rows stand.
  private let inputGates: AlignedBuffer
  /// U with rows and columns exchanged: `[gate][unit]`.
  private let transposed: AlignedBuffer
  private var inputRanges: [Range<Int>] = []
  private var stateRanges: [Range<Int>] = []

  init(_ layer: ResetBeforeRecurrentLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    returning = layer.description.returning
    team = site.team
    units = layer.description.units
    unitStride = padded(units)
    tensors = RecurrentTensors(layer.name, site.tensors)
    let rows = GatedRecurrence.rowCapacity(site.maximumColumns + site.maximumBatch)
    states = AlignedBuffer(count: rows * unitStride)
    resetStates = AlignedBuffer(count: rows * unitStride)
    gates = AlignedBuffer(count: rows * 3 * unitStride)
    inputGates = AlignedBuffer(
      count: (site.maximumColumns + (site.maximumBatch + 1) * source.leadingSteps) * 3 * unitStride)
    transposed = AlignedBuffer(count: 3 * unitStride * unitStride)
    inputRanges.reserveCounted(site.maximumBatch)
    stateRanges.reserveCounted(site.maximumBatch)
    let shape = layer.output(of: source.shape)
    output =
      returning == .everyStep
      ? Signal(shape, leadingSteps: 1, values: states)
      : Signal(shape, maximumBatch: site.maximumBatch, maximumColumns: 0)
  }

  // MARK: - Forward

  func infer(_ batch: BatchPass) { forward(batch) }

  func forward(_ batch: BatchPass) {
    team.measure("steps", work(batch)) {
      team.forEach(batch.count) { song in
        let span = batch.input(self.index)[song]
        let first = span.first + song
        let x = self.source.values + self.source.offset(song, span)
        let u = self.unitStride
        (self.states.start + first * u).update(repeating: 0, count: u)
        for step in 0..<span.count {
          self.advance(x + step * self.source.channelStride, row: first + step)
        }
        if self.returning == .lastStep {
          (self.output.values + song * u).update(
            from: self.states.start + (first + span.count) * u, count: u)
        }
      }
    }
  }

  /// From the state of a row to that of the next.
  private func advance(_ x: UnsafePointer<Float>, row: Int) {
    let u = unitStride
    let (h, reset, gate) = (states.start + row * u, resetStates.start + row * u, gates.start + row * gateStride)
    for column in stride(from: 0, to: 2 * u, by: vectorWidth) {
      let sum = product(
        x, source.shape.channels, tensors.kernel + column, gateStride, Vector.load(tensors.bias + column))
      product(h, units, tensors.recurrent + column, gateStride, sum).sigmoid.store(gate + column)
    }
    for i in stride(from: 0, to: u, by: vectorWidth) {
      (Vector.load(gate + u + i) * Vector.load(h + i)).store(reset + i)
    }
    for i in stride(from: 0, to: u, by: vectorWidth) {
      let column = 2 * u + i
      let sum = product(
        x, source.shape.channels, tensors.kernel + column, gateStride, Vector.load(tensors.bias + column))
      let g = product(reset, units, tensors.recurrent + column, gateStride, sum).hyperbolicTangent
      g.store(gate + column)
      g.addingProduct(Vector.load(gate + i), Vector.load(h + i) - g).store(h + u + i)
    }
  }

  /// A sum, plus a row times sixteen columns of a matrix.
  @inline(__always)
  private func product(
    _ row: UnsafePointer<Float>, _ count: Int, _ matrix: UnsafePointer<Float>, _ stride: Int, _ start: Vector
  ) -> Vector {
    var sum = start
    for i in 0..<count { sum = sum.addingProduct(Vector.load(matrix + i * stride), row[i]) }
    return sum
  }

  // MARK: - Backward

  func backward(_ batch: BatchPass) {
    transpose()
    let songs = batch.input(index)
    team.measure("steps", work(batch)) {
      team.forEach(batch.count) { self.backThroughTime($0, songs[$0]) }
    }
    team.measure("weight gradients", work(batch)) {
      inputRanges.removeAll(keepingCapacity: true)
      stateRanges.removeAll(keepingCapacity: true)
      for (song, span) in songs.enumerated() {
        let row = source.offset(song, span) / source.channelStride
        inputRanges.append(row..<row + span.count)
        stateRanges.append(span.first + song..<span.first + song + span.count)
      }
      team.forEach(gateStride / vectorWidth) { self.sumGradients(column: $0 * vectorWidth) }
    }
  }

  private func transpose() {
    for gate in 0..<gateStride {
      for unit in 0..<units {
        transposed.start[gate * unitStride + unit] = tensors.recurrent[unit * gateStride + gate]
      }
    }
  }

  private func backThroughTime(_ song: Int, _ span: SongSpan) {
    let (u, first) = (unitStride, span.first + song)
    let offset = source.offset(song, span)
    let inputRow = offset / source.channelStride
    withUnsafeTemporaryAllocation(byteCount: 2 * u * MemoryLayout<Float>.stride, alignment: 64) { memory in
      let carried = memory.baseAddress!.assumingMemoryBound(to: Float.self)
      carried.update(repeating: 0, count: 2 * u)
      for step in (0..<span.count).reversed() {
        let row = first + step
        let given =
          returning == .everyStep
          ? output.gradient + (row + 1) * u : step == span.count - 1 ? output.gradient + song * u : nil
        differentiate(row, given, carried, carried + u)
        let gradient = gates.start + row * gateStride
        (inputGates.start + (inputRow + step) * gateStride).update(from: gradient, count: gateStride)
        let target = source.gradient + offset + step * source.channelStride
        for i in 0..<source.shape.channels {
          var sum = Vector.zero
          for column in stride(from: 0, to: gateStride, by: vectorWidth) {
            sum = sum.addingProduct(
              Vector.load(gradient + column), Vector.load(tensors.kernel + i * gateStride + column))
          }
          target[i] = sum.sum()
        }
      }
    }
  }

  /// Turns a step's gates into the gradients for what they were applied to; `carried` is the gradient for the state
  /// behind the step, then for the one before it.
  private func differentiate(
    _ row: Int, _ given: UnsafePointer<Float>?, _ carried: UnsafeMutablePointer<Float>,
    _ scratch: UnsafeMutablePointer<Float>
  ) {
    let u = unitStride
    let (h, gate) = (states.start + row * u, gates.start + row * gateStride)
    for i in stride(from: 0, to: u, by: vectorWidth) {
      var dh = Vector.load(carried + i)
      if let given { dh += Vector.load(given + i) }
      let (z, g) = (Vector.load(gate + i), Vector.load(gate + 2 * u + i))
      (dh * (Vector.load(h + i) - g) * z * (1 - z)).store(gate + i)
      (dh * (1 - z) * (1 - g * g)).store(gate + 2 * u + i)
      (dh * z).store(carried + i)
    }
    // Through g's product to r ⊙ h, and from there to r and to h.
    for i in stride(from: 0, to: u, by: vectorWidth) {
      let d = product(gate + 2 * u, units, transposed.start + 2 * u * u + i, u, .zero)
      let r = Vector.load(gate + u + i)
      (d * Vector.load(h + i) * r * (1 - r)).store(scratch + i)
      (Vector.load(carried + i).addingProduct(d, r)).store(carried + i)
    }
    (gate + u).update(from: scratch, count: u)
    for i in stride(from: 0, to: u, by: vectorWidth) {
      let ofUpdate = product(gate, units, transposed.start + i, u, Vector.load(carried + i))
      product(gate + u, units, transposed.start + u * u + i, u, ofUpdate).store(carried + i)
    }
  }

  /// Sixteen columns of the gradients of all weights.
  private func sumGradients(column: Int) {
    let gradients = gates.start + column
    (tensors.biasGradient + column).update(repeating: 0, count: vectorWidth)
    for song in stateRanges {
      for row in song { Vector.load(gradients + row * gateStride).add(to: tensors.biasGradient + column) }
    }
    addProducts(
      source.values, source.channelStride, source.shape.channels, inputRanges, inputGates.start + column,
      to: tensors.kernelGradient + column)
    let left = column < 2 * unitStride ? states.start : resetStates.start
    addProducts(left, unitStride, units, stateRanges, gradients, to: tensors.recurrentGradient + column)
  }

  /// Writes leftᵀ·right over the rows of all songs, sixteen columns of it.
  private func addProducts(
    _ left: UnsafePointer<Float>, _ leftStride: Int, _ rows: Int, _ songs: [Range<Int>],
    _ right: UnsafePointer<Float>, to target: UnsafeMutablePointer<Double>
  ) {
    let room = GradientSum.count(rows: rows, columns: vectorWidth) * MemoryLayout<Double>.stride
    withUnsafeTemporaryAllocation(byteCount: room, alignment: 64) { memory in
      let panel = memory.baseAddress!.assumingMemoryBound(to: Double.self)
      GradientSum.add(
        rows: rows, columns: vectorWidth, songs: songs, a: left, aStride: leftStride, b: right,
        bStride: gateStride, to: panel, over: true)
      for row in 0..<rows {
        (target + row * gateStride).update(from: panel + row * vectorWidth, count: vectorWidth)
      }
    }
  }

  private func work(_ batch: BatchPass) -> StepProfile.Work {
    let steps = batch.input(index).reduce(0) { $0 + $1.count }
    let operations = 2 * steps * (source.shape.channels + units)
    return StepProfile.Work(
      direct: operations * 3 * units, executed: operations * gateStride,
      bytes: 4 * steps * (source.channelStride + gateStride + 2 * unitStride))
  }
}
