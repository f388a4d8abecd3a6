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
  /// Sums of a weight's gradient.
  private let sums: AlignedSums
  /// Each song's rows of inputs and of states, for the gradients of the weights.
  private var inputRanges: [Range<Int>] = []
  private var stateRanges: [Range<Int>] = []

  private static let songsPerChunk = RowProduct.rows
  /// Rows of the input products made by one task. All of them, always, whatever the last one holds: a song's result must
  /// not depend on how many songs came with it.
  private static let productRows = RowwiseProduct.rowsAtOnce

  /// - Parameters:
  ///   - inputs: values of an input at each step.
  ///   - units: values of a state.
  ///   - maximumBatch: the most songs that a call will bring.
  ///   - maximumSteps: the most steps that the songs of a batch have together.
  ///   - leadingRows: rows of each input sequence before its first step.
  ///   - team: whose threads share the work.
  public init(
    inputs: Int, units: Int, maximumBatch: Int, maximumSteps: Int, leadingRows: Int, team: ThreadTeam
  ) {
    self.inputs = inputs
    self.units = units
    self.leadingRows = leadingRows
    self.team = team
    inputStride = padded(inputs)
    unitStride = padded(units)
    gateStride = 3 * unitStride
    let stateRows = maximumSteps + maximumBatch
    states = AlignedBuffer(count: (stateRows + Self.productRows) * unitStride)
    let rows = Self.rowCapacity(maximumSteps + leadingRows * maximumBatch)
    projected = AlignedBuffer(count: rows * gateStride)
    gates = AlignedBuffer(count: maximumSteps * 4 * unitStride)
    recurrentGradient = AlignedBuffer(count: stateRows * gateStride)
    transposedRecurrent = AlignedBuffer(count: gateStride * unitStride)
    sums = AlignedSums(
      count: max(GradientSum.count(rows: max(inputs, units), columns: gateStride), gateStride * inputStride / 2))
    inputRanges.reserveCounted(maximumBatch)
    stateRanges.reserveCounted(maximumBatch)
  }

  /// Rows that a buffer of input sequences must have room for.
  public static func rowCapacity(_ rows: Int) -> Int { (rows + productRows - 1) / productRows * productRows }

  /// Where a song's rows lie: columns before it are steps before it.
  private func inputRow(_ songs: [SongSpan], _ song: Int) -> Int { songs[song].first + song * leadingRows }
  private func stateRow(_ songs: [SongSpan], _ song: Int) -> Int { songs[song].first + song }

  private func inputRows(_ songs: [SongSpan]) -> Int { steps(songs) + songs.count * leadingRows }
  private func steps(_ songs: [SongSpan]) -> Int { songs.last.map { $0.first + $0.count } ?? 0 }

  /// Copies each song's state after its last step: `[song][unit, padded]`.
  public func copyLastStates(_ songs: [SongSpan], to target: UnsafeMutablePointer<Float>) {
    for song in songs.indices {
      let last = states.start + (stateRow(songs, song) + songs[song].count) * unitStride
      (target + song * unitStride).update(from: last, count: unitStride)
    }
  }

  // MARK: - Forward

  /// Runs the sequences `[song][leading + step][input, padded]`, a song's columns being its steps; states are left
  /// in `states`.
  ///
  /// - Parameters:
  ///   - sequences: one song after the other, with room for `rowCapacity` rows.
  ///   - songs: where the columns of each song lie.
  ///   - kernel: `[input][gate]`.
  ///   - recurrent: `[unit][gate]`.
  ///   - bias: `[2][gate]`: of the inputs, then of the recurrent product.
  public func forward(
    _ sequences: UnsafePointer<Float>, songs: [SongSpan], kernel: UnsafePointer<Float>,
    recurrent: UnsafePointer<Float>, bias: UnsafePointer<Float>
  ) {
    team.measure("input products", inputWork(songs)) {
      team.forEach((inputRows(songs) + Self.productRows - 1) / Self.productRows) { task in
        let row = task * Self.productRows
        RowwiseProduct.multiply(
          rows: Self.productRows, columns: self.gateStride, inner: self.inputs,
          a: sequences + row * self.inputStride, aStride: self.inputStride, b: kernel, bStride: self.gateStride,
          c: self.projected.start + row * self.gateStride, cStride: self.gateStride)
      }
    }
    team.measure("steps", recurrentWork(songs)) {
      forEachChunk(songs) { chunk in self.runSteps(songs, chunk, recurrent, bias) }
    }
  }

  /// Eight songs step by step. Their states of the moment stand together, whatever their lengths; a song that has
  /// ended keeps its last.
  private func runSteps(
    _ songs: [SongSpan], _ chunk: Range<Int>, _ recurrent: UnsafePointer<Float>, _ bias: UnsafePointer<Float>
  ) {
    let (u, g, rows) = (unitStride, gateStride, Self.songsPerChunk)
    withUnsafeTemporaryAllocation(byteCount: rows * (u + g) * 4, alignment: 64) { memory in
      let current = memory.baseAddress!.assumingMemoryBound(to: Float.self)
      let product = current + rows * u
      current.update(repeating: 0, count: rows * u)
      for song in chunk {
        (states.start + stateRow(songs, song) * u).update(repeating: 0, count: u)
      }
      for step in 0..<(songs[chunk].map(\.count).max() ?? 0) {
        RowProduct.multiply(
          inner: units, columns: g, a: current, aStride: u, b: recurrent, bStride: g, bias: bias + g, c: product,
          cStride: g)
        for song in chunk where step < songs[song].count {
          let place = song - chunk.lowerBound
          advance(songs, song, step, product + place * g, current + place * u, bias)
        }
      }
    }
  }

  /// One song, one step: the gates, and the state in place.
  @inline(__always)
  private func advance(
    _ songs: [SongSpan], _ song: Int, _ step: Int, _ h: UnsafePointer<Float>,
    _ state: UnsafeMutablePointer<Float>, _ bias: UnsafePointer<Float>
  ) {
    let u = unitStride
    let x = projected.start + (inputRow(songs, song) + leadingRows + step) * gateStride
    let kept = gates.start + (songs[song].first + step) * 4 * u
    let target = states.start + (stateRow(songs, song) + step + 1) * u
    for i in stride(from: 0, to: u, by: vectorWidth) {
      let z = (Vector.load(x + i) + Vector.load(bias + i) + Vector.load(h + i)).sigmoid
      let r = (Vector.load(x + u + i) + Vector.load(bias + u + i) + Vector.load(h + u + i)).sigmoid
      let recurrentTerm = Vector.load(h + 2 * u + i)
      let g = (Vector.load(x + 2 * u + i) + Vector.load(bias + 2 * u + i))
        .addingProduct(r, recurrentTerm).hyperbolicTangent
      let next = g.addingProduct(z, Vector.load(state + i) - g)
      z.store(kept + i)
      r.store(kept + u + i)
      g.store(kept + 2 * u + i)
      recurrentTerm.store(kept + 3 * u + i)
      next.store(state + i)
      next.store(target + i)
    }
  }

  private func forEachChunk(_ songs: [SongSpan], _ body: (Range<Int>) -> Void) {
    team.forEach((songs.count + Self.songsPerChunk - 1) / Self.songsPerChunk) { chunk in
      let first = chunk * Self.songsPerChunk
      body(first..<min(songs.count, first + Self.songsPerChunk))
    }
  }

  // MARK: - Backward

  /// Gradients of a batch from those of the states, written over what is there.
  ///
  /// - Parameters:
  ///   - sequences: what the last `forward` took.
  ///   - songs: whose they are.
  ///   - stateGradient: laid out like `states` (row 0 of a song unused) for every step, or `[song][unit]` for each last step
  ///     alone.
  ///   - everyStep: which of the two it is.
  ///   - kernel: of the input products.
  ///   - recurrent: the recurrent kernel.
  ///   - kernelGradient: laid out like the kernel.
  ///   - target: laid out like the recurrent kernel.
  ///   - biasGradient: laid out like the biases.
  ///   - sequenceGradient: laid out like the sequences, with their row capacity.
  public func backward(
    _ sequences: UnsafePointer<Float>, songs: [SongSpan], stateGradient: UnsafePointer<Float>, everyStep: Bool,
    kernel: UnsafePointer<Float>, recurrent: UnsafePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    recurrentGradient target: UnsafeMutablePointer<Double>, biasGradient: UnsafeMutablePointer<Double>,
    sequenceGradient: UnsafeMutablePointer<Float>
  ) {
    transpose(recurrent, rows: units, to: transposedRecurrent.start, stride: unitStride)
    if RowwiseProduct.needsTransposed {
      transpose(kernel, rows: inputs, to: transposedKernel, stride: inputStride)
    }
    team.measure("steps", recurrentWork(songs)) {
      forEachChunk(songs) { chunk in self.backThroughTime(songs, chunk, stateGradient, everyStep) }
    }
    team.measure("input products", inputWork(songs)) {
      team.forEach((inputRows(songs) + Self.productRows - 1) / Self.productRows) { task in
        let row = task * Self.productRows
        RowwiseProduct.multiplyTransposedRight(
          rows: Self.productRows, columns: self.inputs, inner: self.gateStride,
          a: self.projected.start + row * self.gateStride, aStride: self.gateStride, b: kernel,
          bStride: self.gateStride, transposed: self.transposedKernel,
          c: sequenceGradient + row * self.inputStride, cStride: self.inputStride)
      }
    }
    team.measure("weight gradients", inputWork(songs) + recurrentWork(songs)) {
      inputRanges.removeAll(keepingCapacity: true)
      stateRanges.removeAll(keepingCapacity: true)
      for (song, span) in songs.enumerated() {
        let (input, state) = (inputRow(songs, song) + leadingRows, stateRow(songs, song))
        inputRanges.append(input..<input + span.count)
        stateRanges.append(state..<state + span.count)
      }
      weightGradient(inputs, inputRanges, sequences, inputStride, projected.start, kernelGradient, biasGradient)
      weightGradient(
        units, stateRanges, states.start, unitStride, recurrentGradient.start, target, biasGradient + gateStride)
    }
  }

  private func backThroughTime(
    _ songs: [SongSpan], _ chunk: Range<Int>, _ stateGradient: UnsafePointer<Float>, _ everyStep: Bool
  ) {
    let (u, g, rows) = (unitStride, gateStride, Self.songsPerChunk)
    withUnsafeTemporaryAllocation(byteCount: rows * (2 * u + g) * 4, alignment: 64) { memory in
      let carried = memory.baseAddress!.assumingMemoryBound(to: Float.self)
      let direct = carried + rows * u
      let given = direct + rows * u
      carried.update(repeating: 0, count: rows * (2 * u + g))
      for song in chunk {
        (projected.start + inputRow(songs, song) * g).update(repeating: 0, count: leadingRows * g)
        let last = stateRow(songs, song) + songs[song].count
        (recurrentGradient.start + last * g).update(repeating: 0, count: g)
      }
      for step in (0..<(songs[chunk].map(\.count).max() ?? 0)).reversed() {
        for song in chunk where step < songs[song].count {
          let place = song - chunk.lowerBound
          var gradient: UnsafePointer<Float>?
          if everyStep {
            gradient = stateGradient + (stateRow(songs, song) + step + 1) * u
          } else if step == songs[song].count - 1 {
            gradient = stateGradient + song * u
          }
          differentiate(
            songs, song, step, gradient, carried + place * u, direct + place * u, given + place * g)
        }
        // The carried gradient: through the recurrent product, plus z ⊙ dh, which `direct` holds. Songs that have
        // not begun yet, seen from the end, have zeros in both.
        RowProduct.multiply(
          inner: g, columns: u, a: given, aStride: g, b: transposedRecurrent.start, bStride: u, bias: nil,
          c: carried, cStride: u)
        for i in stride(from: 0, to: chunk.count * u, by: vectorWidth) {
          (Vector.load(carried + i) + Vector.load(direct + i)).store(carried + i)
        }
      }
    }
  }

  /// One song, one step: gate gradients from dh, and the part of dh that passes to the step before directly.
  @inline(__always)
  private func differentiate(
    _ songs: [SongSpan], _ song: Int, _ step: Int, _ stateGradient: UnsafePointer<Float>?,
    _ carried: UnsafePointer<Float>, _ direct: UnsafeMutablePointer<Float>, _ given: UnsafeMutablePointer<Float>
  ) {
    let u = unitStride
    let kept = gates.start + (songs[song].first + step) * 4 * u
    let before = states.start + (stateRow(songs, song) + step) * u
    let inputTarget = projected.start + (inputRow(songs, song) + leadingRows + step) * gateStride
    let recurrentTarget = recurrentGradient.start + (stateRow(songs, song) + step) * gateStride
    for i in stride(from: 0, to: u, by: vectorWidth) {
      var dh = Vector.load(carried + i)
      if let stateGradient { dh += Vector.load(stateGradient + i) }
      let z = Vector.load(kept + i)
      let r = Vector.load(kept + u + i)
      let g = Vector.load(kept + 2 * u + i)
      let h = Vector.load(before + i)
      let dz = dh * (h - g) * z * (1 - z)
      let dg = dh * (1 - z) * (1 - g * g)
      let dr = dg * Vector.load(kept + 3 * u + i) * r * (1 - r)
      let dgr = dg * r
      dz.store(inputTarget + i)
      dr.store(inputTarget + u + i)
      dg.store(inputTarget + 2 * u + i)
      dz.store(recurrentTarget + i)
      dr.store(recurrentTarget + u + i)
      dgr.store(recurrentTarget + 2 * u + i)
      dz.store(given + i)
      dr.store(given + u + i)
      dgr.store(given + 2 * u + i)
      (dh * z).store(direct + i)
    }
  }

  /// Gradients of a weight matrix, leftᵀ·right over the rows of all songs, and of its bias, the sum of those rows of
  /// `right`.
  private func weightGradient(
    _ rows: Int, _ songs: [Range<Int>], _ left: UnsafePointer<Float>, _ leftStride: Int,
    _ right: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Double>, _ bias: UnsafeMutablePointer<Double>
  ) {
    team.forEach(gateStride / vectorWidth) { task in
      let column = task * vectorWidth
      let panel = self.sums.start + GradientSum.panel(column, rows: rows)
      GradientSum.add(
        rows: rows, columns: vectorWidth, songs: songs, a: left, aStride: leftStride, b: right + column,
        bStride: self.gateStride, to: panel, over: true)
      for row in 0..<rows {
        (target + row * self.gateStride + column).update(from: panel + row * vectorWidth, count: vectorWidth)
      }
      (bias + column).update(repeating: 0, count: vectorWidth)
      for song in songs {
        for row in song { Vector.load(right + row * self.gateStride + column).add(to: bias + column) }
      }
    }
  }

  /// The input's kernel with rows and columns exchanged, `[gate][input, padded]`, where products need it: it stands where
  /// the weights' gradients are summed afterwards.
  private var transposedKernel: UnsafeMutablePointer<Float> {
    UnsafeMutableRawPointer(sums.start).assumingMemoryBound(to: Float.self)
  }

  private func transpose(
    _ matrix: UnsafePointer<Float>, rows: Int, to target: UnsafeMutablePointer<Float>, stride: Int
  ) {
    Transposition.write(
      matrix, rows: rows, columns: 0..<gateStride, stride: gateStride, to: target, stride: stride)
    // Products read the padding too, whatever stood there.
    for gate in 0..<gateStride { for row in rows..<stride { target[gate * stride + row] = 0 } }
  }

  // MARK: - Operations

  private func inputWork(_ songs: [SongSpan]) -> StepProfile.Work {
    StepProfile.Work(
      direct: 2 * steps(songs) * inputs * 3 * units,
      executed: 2 * Self.rowCapacity(inputRows(songs)) * inputs * gateStride,
      bytes: 4 * steps(songs) * (inputStride + gateStride))
  }

  private func recurrentWork(_ songs: [SongSpan]) -> StepProfile.Work {
    StepProfile.Work(
      direct: 2 * steps(songs) * units * 3 * units, executed: 2 * steps(songs) * units * gateStride,
      bytes: 4 * steps(songs) * (2 * gateStride + 5 * unitStride))
  }
}
