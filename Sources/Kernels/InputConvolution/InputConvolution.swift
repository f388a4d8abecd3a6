/// The first convolution: few input channels, 3×3 same, fused with max pooling, so that the full map is never
/// written. Batch norm's statistics of that map follow from the moments of the input's patches:
/// mean = w·μ and mean of squares = wᵀ M w. A patch has nine taps of each input channel, one channel after the other.
public final class InputConvolution {
  let frequencies: Int
  /// Weights with every output channel multiplied by its sign.
  let kernel: InputKernel
  private let windowRows: Int
  private let windowColumns: Int
  private let channelStride: Int
  private let isTurned: Bool
  private let team: ThreadTeam
  /// The weights in double precision, `[tap][channel]`, and the moments that are made of them.
  let weights: AlignedSums
  let channelMoments: AlignedSums
  private let firstMoments: AlignedSums
  private let secondMoments: AlignedSums

  /// - Parameters:
  ///   - frequencies: rows of an input channel.
  ///   - inputs: channels of the input.
  ///   - channels: channels of the map.
  ///   - windowRows: rows of a pooling window.
  ///   - windowColumns: its columns.
  ///   - isTurned: see `InputRows`; frequencies and windows are then those of the turned rows.
  ///   - team: whose threads share the work.
  public init(
    frequencies: Int, inputs: Int = 1, channels: Int, windowRows: Int, windowColumns: Int, isTurned: Bool = false,
    team: ThreadTeam
  ) {
    self.frequencies = frequencies
    self.isTurned = isTurned
    self.windowRows = windowRows
    self.windowColumns = windowColumns
    self.team = team
    kernel = InputKernel(inputs: inputs, channels: channels, isTurned: isTurned)
    channelStride = kernel.channelStride
    let taps = kernel.taps
    weights = AlignedSums(count: taps * channels)
    channelMoments = AlignedSums(count: channels)
    firstMoments = AlignedSums(count: taps)
    secondMoments = AlignedSums(count: taps * taps)
  }

  /// Floats from a row of the pooled map to the next, and from a column: the map is never turned.
  static func steps(
    rows: Int, columns: Int, _ channelStride: Int, isTurned: Bool
  ) -> (row: Int, column: Int) {
    isTurned ? (channelStride, rows * channelStride) : (columns * channelStride, channelStride)
  }

  private func steps(_ input: InputRows) -> (row: Int, column: Int) {
    Self.steps(
      rows: frequencies / windowRows, columns: input.segments / windowColumns, channelStride, isTurned: isTurned)
  }

  /// Takes the kernel `[3][3][input channel][channel, padded]`, signs applied.
  public func prepareWeights(_ source: UnsafePointer<Float>, signs: UnsafePointer<Float>) {
    kernel.prepare(source, factors: signs)
    kernel.copyValues(to: weights.start)
  }

  // MARK: - Forward

  /// Convolves and pools a song: raw maxima and argmax as `PoolingPass.pool` gives them.
  public func forward(
    _ song: UnsafePointer<Float>, input: InputRows, to values: UnsafeMutablePointer<Float>,
    argmax: UnsafeMutablePointer<UInt8>
  ) {
    let fast = windowRows == 2 && windowColumns == 2
    let pooledColumns = input.segments / windowColumns
    let steps = steps(input)
    for row in 0..<frequencies / windowRows {
      for column in 0..<pooledColumns {
        let patch = song + row * windowRows * input.rowStride + InputRows.margin - 1 + column * windowColumns
        let target = row * steps.row + column * steps.column
        if fast {
          window2x2(patch, input, values + target, argmax + target)
        } else {
          window(patch, input, values + target, argmax + target)
        }
      }
    }
  }

  @inline(__always)
  private func window2x2(
    _ patch: UnsafePointer<Float>, _ input: InputRows, _ values: UnsafeMutablePointer<Float>,
    _ argmax: UnsafeMutablePointer<UInt8>
  ) {
    for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
      let (a, b, c, d) = kernel.convolve2x2(patch, input, channel: channel)
      var best = a
      var winner = SIMD16<Int32>.zero
      compete(b, 1, &best, &winner)
      compete(c, 2, &best, &winner)
      compete(d, 3, &best, &winner)
      best.store(values + channel)
      storeArgmax(winner, argmax + channel)
    }
  }

  private func window(
    _ patch: UnsafePointer<Float>, _ input: InputRows, _ values: UnsafeMutablePointer<Float>,
    _ argmax: UnsafeMutablePointer<UInt8>
  ) {
    for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
      var best = Vector(repeating: -.infinity)
      var winner = SIMD16<Int32>.zero
      for position in 0..<windowRows * windowColumns {
        let corner = patch + position / windowColumns * input.rowStride + position % windowColumns
        let sum = kernel.convolve(corner, input, channel: channel)
        compete(sum, Int32(truncatingIfNeeded: position), &best, &winner)
      }
      best.store(values + channel)
      storeArgmax(winner, argmax + channel)
    }
  }

  /// Sums and sums of squares of the full map over all songs, per channel, from the moments of the patches of x̂ and
  /// the input's affine map.
  public func mapMoments(
    _ moments: PatchMoments, gamma: UnsafePointer<Float>, beta: UnsafePointer<Float>,
    sums: UnsafeMutablePointer<Double>, squares: UnsafeMutablePointer<Double>
  ) {
    let (channels, taps) = (kernel.channels, kernel.taps)
    let (first, second, weights) = (firstMoments.start, secondMoments.start, weights.start)
    moments.affineMoments(gamma: gamma, beta: beta, first: first, second: second)
    for channel in 0..<channels {
      var (sum, square) = (0.0, 0.0)
      for k in 0..<taps {
        let weight = weights[k * channels + channel]
        sum += weight * first[k]
        for other in 0..<taps {
          square += weight * weights[other * channels + channel] * second[k * taps + other]
        }
      }
      sums[channel] = sum
      squares[channel] = square
    }
  }

  // MARK: - Backward

  /// A song's rows, and where they and its pooled map lie in their buffers.
  public struct Song: Sendable {
    public var input: InputRows
    public var rowsOffset: Int
    public var pooledOffset: Int

    public init(input: InputRows, rowsOffset: Int, pooledOffset: Int) {
      self.input = input
      self.rowsOffset = rowsOffset
      self.pooledOffset = pooledOffset
    }
  }

  /// Values that `sparseMoments` writes.
  public var sparseCount: Int { frequencies * kernel.inputs * PatchMoments.width * channelStride }

  /// Sums of the pooled gradient with the patches of its argmax:
  /// `[row][input channel][9 taps, 3 columns][channel, padded]`, taps against x̂, columns against the indicator of
  /// existing segments.
  ///
  /// Each song's sums are taken by themselves and added in double precision; `GradientSum` says why.
  public func sparseMoments(
    _ features: UnsafePointer<Float>, songs: [Song], pooledGradient: UnsafePointer<Float>,
    argmax: UnsafePointer<UInt8>, to sums: UnsafeMutablePointer<Double>
  ) {
    sums.update(repeating: 0, count: sparseCount)
    let vectors = channelStride / vectorWidth
    // Turned, a row of the pooled map is scattered over all of it, and rows beside one another are not.
    let rowsOfTask = isTurned ? Self.turnedRowsOfTask * windowRows : 1
    let vectorsOfTask = isTurned ? vectors : 1
    let rows = frequencies / windowRows * windowRows
    let tasksOfRow = vectors / vectorsOfTask
    team.forEach((rows + rowsOfTask - 1) / rowsOfTask * tasksOfRow) { task in
      let first = task / tasksOfRow * rowsOfTask
      let firstVector = task % tasksOfRow * vectorsOfTask
      for song in songs {
        for row in first..<min(first + rowsOfTask, rows) {
          for vector in firstVector..<firstVector + vectorsOfTask {
            self.addRow(row, vector * vectorWidth, of: song, features, pooledGradient, argmax, sums)
          }
        }
      }
    }
  }

  private static let turnedRowsOfTask = 8

  @inline(__always)
  private func addRow(
    _ row: Int, _ channel: Int, of song: Song, _ features: UnsafePointer<Float>,
    _ pooledGradient: UnsafePointer<Float>, _ argmax: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Double>
  ) {
    let steps = steps(song.input)
    let pooled = song.pooledOffset + row / windowRows * steps.row + channel
    for inputChannel in 0..<kernel.inputs {
      let patches =
        features + song.rowsOffset + inputChannel * song.input.channelStride + row * song.input.rowStride
        + InputRows.margin - 1
      addRow(
        patches, song.input, rowInWindow: row % windowRows, pooledGradient + pooled, argmax + pooled, steps.column,
        sums + (row * kernel.inputs + inputChannel) * PatchMoments.width * channelStride + channel)
    }
  }

  /// In two passes of five sums each, as many as the sixteen registers of AVX2 hold beside what they are made of.
  @inline(__always)
  private func addRow(
    _ patches: UnsafePointer<Float>, _ input: InputRows, rowInWindow: Int, _ gradient: UnsafePointer<Float>,
    _ argmax: UnsafePointer<UInt8>, _ columnStep: Int, _ sums: UnsafeMutablePointer<Double>
  ) {
    let (r, c) = (input.rowStride, channelStride)
    var (s0, s1, s2, s3, s4) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    forEachColumn(input, rowInWindow, gradient, argmax, columnStep) { column, g in
      let x = patches + column
      s0 = s0.addingProduct(g, x[0])
      s1 = s1.addingProduct(g, x[1])
      s2 = s2.addingProduct(g, x[2])
      s3 = s3.addingProduct(g, x[r])
      s4 = s4.addingProduct(g, x[r + 1])
    }
    var (s5, s6, s7, s8) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero)
    var total = Vector.zero
    forEachColumn(input, rowInWindow, gradient, argmax, columnStep) { column, g in
      let x = patches + column
      s5 = s5.addingProduct(g, x[r + 2])
      s6 = s6.addingProduct(g, x[2 * r])
      s7 = s7.addingProduct(g, x[2 * r + 1])
      s8 = s8.addingProduct(g, x[2 * r + 2])
      total += g
    }
    let columns = input.segments / windowColumns * windowColumns
    var (first, last) = (Vector.zero, Vector.zero)
    if columns > 0 {
      first = part(rowInWindow * windowColumns, of: Vector.load(gradient), loadArgmax(argmax))
    }
    if columns > 0, columns == input.segments {
      let window = (columns / windowColumns - 1) * columnStep
      last = part(
        (rowInWindow + 1) * windowColumns - 1, of: Vector.load(gradient + window), loadArgmax(argmax + window))
    }
    s0.add(to: sums)
    s1.add(to: sums + c)
    s2.add(to: sums + 2 * c)
    s3.add(to: sums + 3 * c)
    s4.add(to: sums + 4 * c)
    s5.add(to: sums + 5 * c)
    s6.add(to: sums + 6 * c)
    s7.add(to: sums + 7 * c)
    s8.add(to: sums + 8 * c)
    (total - first).add(to: sums + 9 * c)
    total.add(to: sums + 10 * c)
    (total - last).add(to: sums + 11 * c)
  }

  /// Every column of a row with the part of the pooled gradient that goes to it.
  @inline(__always)
  private func forEachColumn(
    _ input: InputRows, _ rowInWindow: Int, _ gradient: UnsafePointer<Float>, _ argmax: UnsafePointer<UInt8>,
    _ columnStep: Int, _ body: (Int, Vector) -> Void
  ) {
    for pooledColumn in 0..<input.segments / windowColumns {
      let whole = Vector.load(gradient + pooledColumn * columnStep)
      let winner = loadArgmax(argmax + pooledColumn * columnStep)
      for columnInWindow in 0..<windowColumns {
        body(
          pooledColumn * windowColumns + columnInWindow,
          part(rowInWindow * windowColumns + columnInWindow, of: whole, winner))
      }
    }
  }
}

/// A window's gradient where its winner stands at a position, else zero.
@_transparent
private func part(_ position: Int, of whole: Vector, _ winner: SIMD16<Int32>) -> Vector {
  Vector.zero.replacing(
    with: whole, where: winner .== SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: position)))
}
