/// Second moments of the input's 3×3 patches, row by row: all that batch norm after the first convolution and
/// both gradients of that convolution need to know of the dense map, which is therefore never written.
///
/// For output row r, tap k = 9·c + 3·i + j reads x̂ of input channel c at row r + i − 1, segment t + j − 1.
/// `cross[r][k][k']` is Σₜ x̂ₖ x̂ₖ', `edge[r][k][j']` is Σₜ x̂ₖ · [segment t + j' − 1 exists], summed over songs.
/// docs/convolution.md derives what follows from them.
public struct PatchMoments {
  public static let width = 12
  public let rows: Int
  /// Channels of the input.
  public let inputs: Int
  /// `[pair of channels][row][tap of the first][9 taps of the second, then 3 columns of the indicator]`; of two
  /// channels the second is the later one, or the same.
  private var values: [Double]
  /// `[3][3]`: Σₜ of the indicator's columns with one another.
  private var indicator = [Double](repeating: 0, count: 9)

  public init(rows: Int, inputs: Int) {
    self.rows = rows
    self.inputs = inputs
    values = Array(repeating: 0, count: inputs * (inputs + 1) / 2 * rows * 9 * Self.width)
  }

  /// Forgets all songs.
  public mutating func reset() {
    for i in values.indices { values[i] = 0 }
    for i in indicator.indices { indicator[i] = 0 }
  }

  /// Taps of a patch.
  var taps: Int { 9 * inputs }

  /// Where the values of two channels begin, the first not later than the second.
  @inline(__always)
  private static func start(_ first: Int, _ second: Int, rows: Int) -> Int {
    (second * (second + 1) / 2 + first) * rows * 9 * width
  }

  public var count: Int { values.count }

  @inline(__always)
  func cross(_ row: Int, _ tap: Int, _ other: Int) -> Double {
    // Σ x̂ₖ x̂ₖ' does not ask which comes first.
    if tap / 9 > other / 9 { return cross(row, other, tap) }
    return values[Self.start(tap / 9, other / 9, rows: rows) + (row * 9 + tap % 9) * Self.width + other % 9]
  }

  @inline(__always)
  func edge(_ row: Int, _ tap: Int, _ column: Int) -> Double {
    values[Self.start(tap / 9, tap / 9, rows: rows) + (row * 9 + tap % 9) * Self.width + 9 + column]
  }

  /// The moments of one song as floats in the layout of `values`.
  public static func measure(
    _ song: UnsafePointer<Float>, input: InputRows, to moments: UnsafeMutablePointer<Float>
  ) {
    withUnsafeTemporaryAllocation(of: Float.self, capacity: input.rowStride + vectorWidth) { indicator in
      let aligned = UnsafeMutablePointer<Float>(
        bitPattern: (UInt(bitPattern: indicator.baseAddress!) + 63) & ~63)!
      for i in 0..<input.rowStride {
        let segment = i - InputRows.margin
        aligned[i] = segment >= 0 && segment < input.segments ? 1 : 0
      }
      for second in 0..<input.channels {
        for first in 0...second {
          let target = moments + start(first, second, rows: input.frequencies)
          for row in 0..<input.frequencies {
            measureRow(
              song + first * input.channelStride + row * input.rowStride,
              song + second * input.channelStride + row * input.rowStride, aligned, input, target + row * 9 * width
            )
          }
        }
      }
    }
  }

  private static func measureRow(
    _ rows: UnsafePointer<Float>, _ others: UnsafePointer<Float>, _ indicator: UnsafePointer<Float>,
    _ input: InputRows, _ moments: UnsafeMutablePointer<Float>
  ) {
    let row0 = others + InputRows.margin - 1
    let row1 = row0 + input.rowStride
    let row2 = row1 + input.rowStride
    let ones = indicator + InputRows.margin - 1
    for tap in 0..<9 {
      let own = rows + InputRows.margin - 1 + tap / 3 * input.rowStride + tap % 3
      var (s0, s1, s2, s3, s4, s5) = (Vector.zero, Vector.zero, Vector.zero, Vector.zero, Vector.zero, Vector.zero)
      var (s6, s7, s8, s9, s10, s11) = (
        Vector.zero, Vector.zero, Vector.zero, Vector.zero, Vector.zero, Vector.zero
      )
      for t in stride(from: 0, to: input.segments, by: vectorWidth) {
        // The indicator's own column masks positions past the last segment.
        let x = unaligned(own + t) * unaligned(ones + 1 + t)
        s0 = s0.addingProduct(x, unaligned(row0 + t))
        s1 = s1.addingProduct(x, unaligned(row0 + t + 1))
        s2 = s2.addingProduct(x, unaligned(row0 + t + 2))
        s3 = s3.addingProduct(x, unaligned(row1 + t))
        s4 = s4.addingProduct(x, unaligned(row1 + t + 1))
        s5 = s5.addingProduct(x, unaligned(row1 + t + 2))
        s6 = s6.addingProduct(x, unaligned(row2 + t))
        s7 = s7.addingProduct(x, unaligned(row2 + t + 1))
        s8 = s8.addingProduct(x, unaligned(row2 + t + 2))
        s9 = s9.addingProduct(x, unaligned(ones + t))
        s10 = s10.addingProduct(x, unaligned(ones + t + 1))
        s11 = s11.addingProduct(x, unaligned(ones + t + 2))
      }
      let target = moments + tap * width
      target[0] = s0.sum()
      target[1] = s1.sum()
      target[2] = s2.sum()
      target[3] = s3.sum()
      target[4] = s4.sum()
      target[5] = s5.sum()
      target[6] = s6.sum()
      target[7] = s7.sum()
      target[8] = s8.sum()
      target[9] = s9.sum()
      target[10] = s10.sum()
      target[11] = s11.sum()
    }
  }

  @inline(__always)
  private static func unaligned(_ address: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(address).loadUnaligned(as: Vector.self)
  }

  /// Adds the moments of a song of this length.
  public mutating func add(_ moments: UnsafePointer<Float>, segments: Int) {
    for i in 0..<values.count { values[i] += Double(moments[i]) }
    for column in 0..<3 {
      for other in 0..<3 {
        var count = segments
        if column == 0 || other == 0 { count -= 1 }
        if column == 2 || other == 2 { count -= 1 }
        // A single segment loses both neighbours at once.
        indicator[column * 3 + other] += Double(max(count, 0))
      }
    }
  }

  /// Σₜ [segment t + j − 1 exists][segment t + j' − 1 exists] over all songs.
  func indicatorMoment(_ column: Int, _ other: Int) -> Double { indicator[column * 3 + other] }
}
