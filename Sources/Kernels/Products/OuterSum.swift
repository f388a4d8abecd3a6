/// The sum over songs of the outer products of two vectors of each: the gradient of a dense layer's kernel.
///
/// Products and sums are in double precision, the songs in their order, so that songs may be divided among ranks in any
/// way: see `GradientSum`, which this is for one row a song.
enum OuterSum {
  /// Rows whose sums are kept at once, with eight columns each: as many as AVX2 has registers for, beside factors.
  static let rows = 6
  private static let columns = SIMD8<Double>.scalarCount

  /// `target = Σ over songs of aᵀ·b`, `[row][column]`, written over what is there.
  ///
  /// - Parameters:
  ///   - range: the rows that are wanted, of `a`'s.
  ///   - a: `[song][row]`; b: `[song][column]`, columns a multiple of 16.
  static func write(
    rows range: Range<Int>, columns: Int, songs: Int, a: UnsafePointer<Float>, aStride: Int,
    b: UnsafePointer<Float>, bStride: Int, to target: UnsafeMutablePointer<Double>
  ) {
    withUnsafeTemporaryAllocation(of: Double.self, capacity: max(songs, 1) * rows) { memory in
      let factors = memory.baseAddress!
      for first in stride(from: range.lowerBound, to: range.upperBound, by: rows) {
        let count = min(rows, range.upperBound - first)
        for song in 0..<songs {
          for row in 0..<rows {
            factors[song * rows + row] = row < count ? Double(a[song * aStride + first + row]) : 0
          }
        }
        for column in stride(from: 0, to: columns, by: Self.columns) {
          let sums = sums(factors, b + column, bStride, songs)
          let place = target + first * columns + column
          sums.0.store(place)
          if count > 1 { sums.1.store(place + columns) }
          if count > 2 { sums.2.store(place + 2 * columns) }
          if count > 3 { sums.3.store(place + 3 * columns) }
          if count > 4 { sums.4.store(place + 4 * columns) }
          if count > 5 { sums.5.store(place + 5 * columns) }
        }
      }
    }
  }

  private typealias Sum = SIMD8<Double>

  @inline(__always)
  private static func sums(
    _ factors: UnsafePointer<Double>, _ b: UnsafePointer<Float>, _ bStride: Int, _ songs: Int
  ) -> (Sum, Sum, Sum, Sum, Sum, Sum) {
    var (s0, s1, s2, s3, s4, s5) = (Sum.zero, Sum.zero, Sum.zero, Sum.zero, Sum.zero, Sum.zero)
    for song in 0..<songs {
      let values = SIMD8<Float>.load(b + song * bStride).doubles
      let row = factors + song * rows
      s0.addProduct(values, Sum(repeating: row[0]))
      s1.addProduct(values, Sum(repeating: row[1]))
      s2.addProduct(values, Sum(repeating: row[2]))
      s3.addProduct(values, Sum(repeating: row[3]))
      s4.addProduct(values, Sum(repeating: row[4]))
      s5.addProduct(values, Sum(repeating: row[5]))
    }
    return (s0, s1, s2, s3, s4, s5)
  }
}
