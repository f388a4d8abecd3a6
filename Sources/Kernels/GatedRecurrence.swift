/// A gated recurrent unit over a batch of sequences, forward and backward (Cho et al. 2014, in the form of Keras's
/// `GRU(reset_after=True)`, which is cuDNN's: two bias vectors, the reset gate applied after the recurrent
/// product).
///
///     z = σ(x Kz + bz + h Uz + cz)
///     r = σ(x Kr + br + h Ur + cr)
///     g = tanh(x Kg + bg + r ⊙ (h Ug + cg))
///     h' = z ⊙ h + (1 − z) ⊙ g
///
/// Gates are in the order z, r, g, each padded to whole vectors. States are kept as `[song][step + 1][unit]`, row 0
/// being the zero state, so that the product of states and gradients over all steps is one matrix product.
public final class GatedRecurrence {
  public let inputs: Int
  public let units: Int
  public let steps: Int
  private let team: ThreadTeam
  private let unitStride: Int
  private let gateStride: Int
  private let inputStride: Int
  /// Rows of an input sequence that precede its first step (a layer below keeps its zero state there).
  private let leadingRows: Int

  /// `[song][step + 1][unit]`.
  public let states: AlignedBuffer
  /// x K + b, then, in the backward pass, its gradient: `[song][leading + step][gate]`.
  private let projected: AlignedBuffer
  /// z, r, g and the recurrent term of g: `[song][step][4][unit]`.
  private let gates: AlignedBuffer
  /// Gradient for h U + c: `[song][step + 1][gate]`, the last row zero.
  private let recurrentGradient: AlignedBuffer
  private let transposedRecurrent: AlignedBuffer

  private static let songsPerChunk = RowProduct.rows
  /// Rows of a weight gradient computed by one task.
  private static let rowsPerTask = 64

  public init(inputs: Int, units: Int, steps: Int, leadingRows: Int, maximumBatch: Int, team: ThreadTeam) {
    self.inputs = inputs
    self.units = units
    self.steps = steps
    self.leadingRows = leadingRows
    self.team = team
    inputStride = padded(inputs)
    unitStride = padded(units)
    gateStride = 3 * unitStride
    let songs = Self.capacity(maximumBatch)
    states = AlignedBuffer(count: songs * (steps + 1) * unitStride)
    projected = AlignedBuffer(count: songs * (leadingRows + steps) * gateStride)
    gates = AlignedBuffer(count: songs * steps * 4 * unitStride)
    recurrentGradient = AlignedBuffer(count: songs * (steps + 1) * gateStride)
    transposedRecurrent = AlignedBuffer(count: gateStride * unitStride)
  }

  private var inputRows: Int { leadingRows + steps }

  /// Songs that a buffer of sequences must have room for: whole chunks, since every product has the rows of a
  /// whole chunk, so that a song's result does not depend on how many songs came with it.
  public static func capacity(_ maximumBatch: Int) -> Int {
    (maximumBatch + songsPerChunk - 1) / songsPerChunk * songsPerChunk
  }

  /// Runs the sequences `[song][leading + step][input, padded]`; states are left in `states`.
  ///
  /// - Parameters:
  ///   - kernel: `[input][gate]`, recurrent: `[unit][gate]`, bias: `[2][gate]`.
  public func forward(
    _ sequences: UnsafePointer<Float>, songs: Int, kernel: UnsafePointer<Float>, recurrent: UnsafePointer<Float>,
    bias: UnsafePointer<Float>
  ) {
    team.measure("input products, steps", productWork(songs)) {
      runChunks(sequences, songs, kernel, recurrent, bias)
    }
  }

  private func runChunks(
    _ sequences: UnsafePointer<Float>, _ songs: Int, _ kernel: UnsafePointer<Float>,
    _ recurrent: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
  ) {
    forEachChunk(songs) { first, count in
      MatrixProduct.multiply(
        rows: Self.songsPerChunk * self.inputRows, columns: self.gateStride, inner: self.inputs,
        a: sequences + first * self.inputRows * self.inputStride, aStride: self.inputStride, b: kernel,
        bStride: self.gateStride, c: self.projected.start + first * self.inputRows * self.gateStride,
        cStride: self.gateStride)
      withUnsafeTemporaryAllocation(
        byteCount: Self.songsPerChunk * self.gateStride * 4, alignment: 64
      ) { memory in
        let product = memory.baseAddress!.assumingMemoryBound(to: Float.self)
        for step in 0..<self.steps { self.advance(first, count, step, recurrent, bias, product) }
      }
    }
  }

  private func advance(
    _ first: Int, _ count: Int, _ step: Int, _ recurrent: UnsafePointer<Float>, _ bias: UnsafePointer<Float>,
    _ product: UnsafeMutablePointer<Float>
  ) {
    let songStates = (steps + 1) * unitStride
    RowProduct.multiply(
      inner: units, columns: gateStride, a: states.start + first * songStates + step * unitStride,
      aStride: songStates, b: recurrent, bStride: gateStride, bias: bias + gateStride, c: product,
      cStride: gateStride)
    let u = unitStride
    for song in 0..<count {
      let x = projected.start + ((first + song) * inputRows + leadingRows + step) * gateStride
      let h = product + song * gateStride
      let before = states.start + (first + song) * songStates + step * u
      let kept = gates.start + ((first + song) * steps + step) * 4 * u
      for i in stride(from: 0, to: u, by: vectorWidth) {
        let z = (Vector.load(x + i) + Vector.load(bias + i) + Vector.load(h + i)).sigmoid
        let r = (Vector.load(x + u + i) + Vector.load(bias + u + i) + Vector.load(h + u + i)).sigmoid
        let recurrentTerm = Vector.load(h + 2 * u + i)
        let g = (Vector.load(x + 2 * u + i) + Vector.load(bias + 2 * u + i))
          .addingProduct(r, recurrentTerm).hyperbolicTangent
        let state = g.addingProduct(z, Vector.load(before + i) - g)
        z.store(kept + i)
        r.store(kept + u + i)
        g.store(kept + 2 * u + i)
        recurrentTerm.store(kept + 3 * u + i)
        state.store(before + u + i)
      }
    }
  }

  /// Gradients of a batch from those of the states: `stateGradient` is `[song][step + 1][unit]` (row 0 unused) for
  /// every step, or `[song][unit]` for the last step alone. The kernel's and the biases' gradients are written;
  /// `sequenceGradient`, laid out like the sequences, too.
  public func backward(
    _ sequences: UnsafePointer<Float>, songs: Int, stateGradient: UnsafePointer<Float>, everyStep: Bool,
    kernel: UnsafePointer<Float>, recurrent: UnsafePointer<Float>, kernelGradient: UnsafeMutablePointer<Float>,
    recurrentGradient target: UnsafeMutablePointer<Float>, biasGradient: UnsafeMutablePointer<Float>,
    sequenceGradient: UnsafeMutablePointer<Float>
  ) {
    transpose(recurrent)
    team.measure("steps, input gradient", productWork(songs)) {
      forEachChunk(songs) { first, count in
        self.backThroughTime(first, count, stateGradient, everyStep)
        MatrixProduct.multiplyTransposedRight(
          rows: count * self.inputRows, columns: self.inputs, inner: self.gateStride,
          a: self.projected.start + first * self.inputRows * self.gateStride, aStride: self.gateStride, b: kernel,
          bStride: self.gateStride, c: sequenceGradient + first * self.inputRows * self.inputStride,
          cStride: self.inputStride)
      }
    }
    team.measure("weight gradients", productWork(songs)) {
      weightGradient(
        rows: inputs, sequences, inputStride, projected.start, inner: songs * inputRows, to: kernelGradient)
      weightGradient(
        rows: units, states.start, unitStride, recurrentGradient.start, inner: songs * (steps + 1), to: target)
      biasGradients(songs, to: biasGradient)
    }
  }

  /// Operations of the input and the recurrent products of all steps.
  private func productWork(_ songs: Int) -> StepProfile.Work {
    StepProfile.Work(
      direct: 2 * songs * steps * (inputs + units) * 3 * units,
      executed: 2 * songs * (inputRows * inputs + steps * units) * gateStride,
      bytes: 4 * songs * steps * (inputStride + 3 * gateStride))
  }

  private func biasGradients(_ songs: Int, to biasGradient: UnsafeMutablePointer<Float>) {
    team.forEach(2 * gateStride / vectorWidth) { task in
      let column = task * vectorWidth
      let isInput = column < self.gateStride
      let source = isInput ? self.projected.start : self.recurrentGradient.start
      let rows = songs * (isInput ? self.inputRows : self.steps + 1)
      var sum = Vector.zero
      for row in 0..<rows {
        sum += Vector.load(source + row * self.gateStride + column % self.gateStride)
      }
      sum.store(biasGradient + column)
    }
  }

  private func backThroughTime(_ first: Int, _ count: Int, _ stateGradient: UnsafePointer<Float>, _ every: Bool) {
    let u = unitStride
    let chunk = Self.songsPerChunk
    withUnsafeTemporaryAllocation(byteCount: 2 * chunk * u * 4, alignment: 64) { memory in
      let carried = memory.baseAddress!.assumingMemoryBound(to: Float.self)
      let direct = carried + chunk * u
      carried.update(repeating: 0, count: chunk * u)
      direct.update(repeating: 0, count: chunk * u)
      for song in 0..<count {
        let rows = projected.start + (first + song) * inputRows * gateStride
        rows.update(repeating: 0, count: leadingRows * gateStride)
        let last = recurrentGradient.start + ((first + song) * (steps + 1) + steps) * gateStride
        last.update(repeating: 0, count: gateStride)
      }
      for step in stride(from: steps - 1, through: 0, by: -1) {
        for song in 0..<count {
          let row = first + song
          let given: UnsafePointer<Float>? =
            every
            ? stateGradient + (row * (steps + 1) + step + 1) * u
            : step == steps - 1 ? stateGradient + row * u : nil
          differentiate(row, step, given, carried + song * u, direct + song * u)
        }
        // The carried gradient: through the recurrent product, plus z ⊙ dh, which `direct` holds.
        RowProduct.multiply(
          inner: gateStride, columns: u,
          a: recurrentGradient.start + (first * (steps + 1) + step) * gateStride,
          aStride: (steps + 1) * gateStride, b: transposedRecurrent.start, bStride: u, bias: nil, c: carried,
          cStride: u)
        for i in stride(from: 0, to: count * u, by: vectorWidth) {
          (Vector.load(carried + i) + Vector.load(direct + i)).store(carried + i)
        }
      }
    }
  }

  /// One song, one step: gate gradients from dh, and the part of dh that passes to the step before directly.
  private func differentiate(
    _ row: Int, _ step: Int, _ given: UnsafePointer<Float>?, _ carried: UnsafePointer<Float>,
    _ direct: UnsafeMutablePointer<Float>
  ) {
    let u = unitStride
    let kept = gates.start + (row * steps + step) * 4 * u
    let before = states.start + (row * (steps + 1) + step) * u
    let inputTarget = projected.start + (row * inputRows + leadingRows + step) * gateStride
    let recurrentTarget = recurrentGradient.start + (row * (steps + 1) + step) * gateStride
    for i in stride(from: 0, to: u, by: vectorWidth) {
      var dh = Vector.load(carried + i)
      if let given { dh += Vector.load(given + i) }
      let z = Vector.load(kept + i)
      let r = Vector.load(kept + u + i)
      let g = Vector.load(kept + 2 * u + i)
      let h = Vector.load(before + i)
      let dz = dh * (h - g) * z * (1 - z)
      let dg = dh * (1 - z) * (1 - g * g)
      let dr = dg * Vector.load(kept + 3 * u + i) * r * (1 - r)
      dz.store(inputTarget + i)
      dr.store(inputTarget + u + i)
      dg.store(inputTarget + 2 * u + i)
      dz.store(recurrentTarget + i)
      dr.store(recurrentTarget + u + i)
      (dg * r).store(recurrentTarget + 2 * u + i)
      (dh * z).store(direct + i)
    }
  }

  private func weightGradient(
    rows: Int, _ left: UnsafePointer<Float>, _ leftStride: Int, _ right: UnsafePointer<Float>, inner: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    team.forEach((rows + Self.rowsPerTask - 1) / Self.rowsPerTask) { task in
      let first = task * Self.rowsPerTask
      MatrixProduct.multiplyTransposedLeft(
        rows: min(Self.rowsPerTask, rows - first), columns: self.gateStride, inner: inner, a: left + first,
        aStride: leftStride, b: right, bStride: self.gateStride, c: target + first * self.gateStride,
        cStride: self.gateStride)
    }
  }

  private func transpose(_ recurrent: UnsafePointer<Float>) {
    for unit in 0..<units {
      for gate in 0..<gateStride {
        transposedRecurrent.start[gate * unitStride + unit] = recurrent[unit * gateStride + gate]
      }
    }
  }

  private func forEachChunk(_ songs: Int, _ body: (Int, Int) -> Void) {
    team.forEach((songs + Self.songsPerChunk - 1) / Self.songsPerChunk) { chunk in
      let first = chunk * Self.songsPerChunk
      body(first, min(Self.songsPerChunk, songs - first))
    }
  }
}
