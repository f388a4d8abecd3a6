/// The first convolution: one input channel, 3×3 same, fused with max pooling, so that the full map is never
/// written. Batch norm's statistics of that map follow from the moments of the input's patches:
/// mean = w·μ and mean of squares = wᵀ M w.
public final class PatchConvolution {
  let frequencies: Int
  let channels: Int
  private let windowRows: Int
  private let windowColumns: Int
  private let channelStride: Int
  private let team: ThreadTeam
  /// Kernel with every output channel multiplied by its sign, `[9][channel, padded]`.
  private let kernel: AlignedBuffer
  /// Distance below which two values of a window are computed again, `[channel, padded]`; see `TieRule`.
  private let closeness: AlignedBuffer
  /// Songs whose sparse gradient sums share an accumulator; a constant, so that results do not depend on threads.
  private static let songsPerGroup = 4

  public init(frequencies: Int, channels: Int, windowRows: Int, windowColumns: Int, team: ThreadTeam) {
    self.frequencies = frequencies
    self.channels = channels
    self.windowRows = windowRows
    self.windowColumns = windowColumns
    self.team = team
    channelStride = padded(channels)
    kernel = AlignedBuffer(count: 9 * channelStride)
    closeness = AlignedBuffer(count: channelStride)
  }

  /// Copies the kernel `[3][3][1][channel, padded]`, signs applied.
  public func prepareWeights(_ source: UnsafePointer<Float>, signs: UnsafePointer<Float>) {
    for tap in 0..<9 {
      for channel in 0..<channelStride {
        kernel.start[tap * channelStride + channel] = source[tap * channelStride + channel] * signs[channel]
      }
    }
    // Normalised inputs are of the order of one; a sum of nine products is good to a few roundings of its terms.
    for channel in 0..<channelStride {
      closeness.start[channel] = (0..<9).reduce(0) { $0 + abs(kernel.start[$1 * channelStride + channel]) } * 1e-6
    }
  }

  /// The signed kernel in double precision, `[9][channel]`.
  var signedWeights: [Double] {
    (0..<9 * channels).map { Double(kernel.start[$0 / channels * channelStride + $0 % channels]) }
  }

  // MARK: - Forward

  /// Convolves and pools a song: raw maxima and winners as `PoolingPass.pool` gives them.
  public func forward(
    _ song: UnsafePointer<Float>, input: InputRows, to values: UnsafeMutablePointer<Float>,
    winners: UnsafeMutablePointer<UInt8>
  ) {
    let fast = windowRows == 2 && windowColumns == 2
    let r = input.rowStride
    let pooledColumns = input.segments / windowColumns
    for row in 0..<frequencies / windowRows {
      for column in 0..<pooledColumns {
        let patch = song + row * windowRows * r + InputRows.margin - 1 + column * windowColumns
        let target = (row * pooledColumns + column) * channelStride
        if fast {
          window2x2(patch, r, values + target, winners + target)
        } else {
          window(patch, r, values + target, winners + target)
        }
      }
    }
  }

  /// Four outputs share sixteen inputs, held in registers while the channels go by.
  @inline(__always)
  private func window2x2(
    _ patch: UnsafePointer<Float>, _ r: Int, _ values: UnsafeMutablePointer<Float>,
    _ winners: UnsafeMutablePointer<UInt8>
  ) {
    for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
      var a = Vector.zero
      var b = Vector.zero
      var c = Vector.zero
      var d = Vector.zero
      for i in 0..<3 {
        for j in 0..<3 {
          let weight = Vector.load(kernel.start + (i * 3 + j) * channelStride + channel)
          let x = patch + i * r + j
          a = a.addingProduct(weight, x[0])
          b = b.addingProduct(weight, x[1])
          c = c.addingProduct(weight, x[r])
          d = d.addingProduct(weight, x[r + 1])
        }
      }
      var best = a
      var winner = SIMD16<Int32>.zero
      let bWins = best .< b
      var second = b.replacing(with: a, where: bWins)
      best = best.replacing(with: b, where: bWins)
      winner = winner.replacing(with: SIMD16<Int32>(repeating: 1), where: bWins)
      let cWins = best .< c
      second = second.larger(c.replacing(with: best, where: cWins))
      best = best.replacing(with: c, where: cWins)
      winner = winner.replacing(with: SIMD16<Int32>(repeating: 2), where: cWins)
      let dWins = best .< d
      second = second.larger(d.replacing(with: best, where: dWins))
      best = best.replacing(with: d, where: dWins)
      winner = winner.replacing(with: SIMD16<Int32>(repeating: 3), where: dWins)
      best.store(values + channel)
      storeWinners(winner, winners + channel)
      let distance = best - second - Vector.load(closeness.start + channel)
      if distance.hasNegative { settle(distance, patch, r, channel, winners + channel) }
    }
  }

  /// Decides the windows of a vector whose largest values are too close. The values stay: they are right to within
  /// their rounding.
  @inline(never)
  private func settle(
    _ distance: Vector, _ patch: UnsafePointer<Float>, _ r: Int, _ channel: Int,
    _ winners: UnsafeMutablePointer<UInt8>
  ) {
    for lane in 0..<vectorWidth where distance[lane] < 0 {
      var largest = -Double.infinity
      for position in 0..<windowRows * windowColumns {
        let corner = patch + position / windowColumns * r + position % windowColumns
        var sum = 0.0
        for tap in 0..<9 {
          sum +=
            Double(kernel.start[tap * channelStride + channel + lane]) * Double(corner[tap / 3 * r + tap % 3])
        }
        if sum > largest {
          largest = sum
          winners[lane] = UInt8(truncatingIfNeeded: position)
        }
      }
    }
  }

  private func window(
    _ patch: UnsafePointer<Float>, _ r: Int, _ values: UnsafeMutablePointer<Float>,
    _ winners: UnsafeMutablePointer<UInt8>
  ) {
    for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
      var best = Vector(repeating: -.infinity)
      var second = best
      var winner = SIMD16<Int32>.zero
      for position in 0..<windowRows * windowColumns {
        let corner = patch + position / windowColumns * r + position % windowColumns
        var sum = Vector.zero
        for tap in 0..<9 {
          sum = sum.addingProduct(
            Vector.load(kernel.start + tap * channelStride + channel), corner[tap / 3 * r + tap % 3])
        }
        let wins = best .< sum
        second = second.larger(sum.replacing(with: best, where: wins))
        best = best.replacing(with: sum, where: wins)
        winner = winner.replacing(
          with: SIMD16<Int32>(repeating: Int32(truncatingIfNeeded: position)), where: wins)
      }
      best.store(values + channel)
      storeWinners(winner, winners + channel)
      let distance = best - second - Vector.load(closeness.start + channel)
      if distance.hasNegative { settle(distance, patch, r, channel, winners + channel) }
    }
  }

  /// Sums and sums of squares of the full map over all songs, per channel, from the patches' first and second
  /// moments (9 and 9 × 9, of the affine input, summed over rows and songs).
  public func mapMoments(first: [Double], second: [Double]) -> (sums: [Double], squares: [Double]) {
    var sums = [Double](repeating: 0, count: channels)
    var squares = sums
    for channel in 0..<channels {
      let weights = (0..<9).map { Double(kernel.start[$0 * channelStride + channel]) }
      for k in 0..<9 {
        sums[channel] += weights[k] * first[k]
        for other in 0..<9 { squares[channel] += weights[k] * weights[other] * second[k * 9 + other] }
      }
    }
    return (sums, squares)
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

  /// Sums of the pooled gradient with the patches of its winners: `[row][9 taps, 3 columns][channel, padded]`,
  /// taps against x̂, columns against the indicator of existing segments; summed over songs in a fixed order.
  public func sparseMoments(
    _ rows: UnsafePointer<Float>, songs: [Song], pooledGradient: UnsafePointer<Float>,
    winners: UnsafePointer<UInt8>, accumulators: inout [AlignedBuffer]
  ) {
    let groups = max((songs.count + Self.songsPerGroup - 1) / Self.songsPerGroup, 1)
    let count = frequencies * PatchMoments.width * channelStride
    while accumulators.count < groups { accumulators.append(AlignedBuffer(count: count)) }
    let buffers = accumulators
    team.forEach(groups) { group in
      buffers[group].zero()
      for song in songs[min(songs.count, group * Self.songsPerGroup)...].prefix(Self.songsPerGroup) {
        self.addSparseMoments(
          rows + song.rowsOffset, song.input, pooledGradient + song.pooledOffset, winners + song.pooledOffset,
          buffers[group].start)
      }
    }
    for group in 1..<groups {
      let source = buffers[group].start
      let target = buffers[0].start
      for i in stride(from: 0, to: count, by: vectorWidth) {
        (Vector.load(target + i) + Vector.load(source + i)).store(target + i)
      }
    }
  }

  private func addSparseMoments(
    _ rows: UnsafePointer<Float>, _ input: InputRows, _ gradient: UnsafePointer<Float>,
    _ winners: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Float>
  ) {
    let pooledRowStride = input.segments / windowColumns * channelStride
    for pooledRow in 0..<frequencies / windowRows {
      for rowInWindow in 0..<windowRows {
        let row = pooledRow * windowRows + rowInWindow
        for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
          addRow(
            rows + row * input.rowStride + InputRows.margin - 1, input, rowInWindow: rowInWindow,
            gradient + pooledRow * pooledRowStride + channel, winners + pooledRow * pooledRowStride + channel,
            sums + row * PatchMoments.width * channelStride + channel)
        }
      }
    }
  }

  @inline(__always)
  private func addRow(
    _ patches: UnsafePointer<Float>, _ input: InputRows, rowInWindow: Int, _ gradient: UnsafePointer<Float>,
    _ winners: UnsafePointer<UInt8>, _ sums: UnsafeMutablePointer<Float>
  ) {
    let r = input.rowStride
    let c = channelStride
    var (s0, s1, s2, s3, s4) = (
      Vector.load(sums), Vector.load(sums + c), Vector.load(sums + 2 * c), Vector.load(sums + 3 * c),
      Vector.load(sums + 4 * c)
    )
    var (s5, s6, s7, s8) = (
      Vector.load(sums + 5 * c), Vector.load(sums + 6 * c), Vector.load(sums + 7 * c),
      Vector.load(sums + 8 * c)
    )
    var total = Vector.zero
    var first = Vector.zero
    var last = Vector.zero
    for pooledColumn in 0..<input.segments / windowColumns {
      let whole = Vector.load(gradient + pooledColumn * c)
      let winner = loadWinners(winners + pooledColumn * c)
      for columnInWindow in 0..<windowColumns {
        let position = Int32(truncatingIfNeeded: rowInWindow * windowColumns + columnInWindow)
        let g = Vector.zero.replacing(with: whole, where: winner .== SIMD16<Int32>(repeating: position))
        let column = pooledColumn * windowColumns + columnInWindow
        let x = patches + column
        s0 = s0.addingProduct(g, x[0])
        s1 = s1.addingProduct(g, x[1])
        s2 = s2.addingProduct(g, x[2])
        s3 = s3.addingProduct(g, x[r])
        s4 = s4.addingProduct(g, x[r + 1])
        s5 = s5.addingProduct(g, x[r + 2])
        s6 = s6.addingProduct(g, x[2 * r])
        s7 = s7.addingProduct(g, x[2 * r + 1])
        s8 = s8.addingProduct(g, x[2 * r + 2])
        total += g
        if column == 0 { first = g }
        if column == input.segments - 1 { last = g }
      }
    }
    s0.store(sums)
    s1.store(sums + c)
    s2.store(sums + 2 * c)
    s3.store(sums + 3 * c)
    s4.store(sums + 4 * c)
    s5.store(sums + 5 * c)
    s6.store(sums + 6 * c)
    s7.store(sums + 7 * c)
    s8.store(sums + 8 * c)
    (Vector.load(sums + 9 * c) + total - first).store(sums + 9 * c)
    (Vector.load(sums + 10 * c) + total).store(sums + 10 * c)
    (Vector.load(sums + 11 * c) + total - last).store(sums + 11 * c)
  }
}
