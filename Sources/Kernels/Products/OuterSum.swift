/// The sum over songs of the outer products of two vectors of each: the gradient of a dense layer's kernel.
///
/// Products and sums are in double precision, the songs in their order, so that songs may be divided among ranks in any
/// way: see `GradientSum`, which this is for one row a song.
enum OuterSum {
  /// Rows whose sums are kept at once, with eight columns each: as many as registers take.
  private static let rows = 4
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
        }
      }
    }
  }

  private typealias Sums = (SIMD8<Double>, SIMD8<Double>, SIMD8<Double>, SIMD8<Double>)

  @inline(__always)
  private static func sums(
    _ factors: UnsafePointer<Double>, _ b: UnsafePointer<Float>, _ bStride: Int, _ songs: Int
  ) -> Sums {
    var sums: Sums = (.zero, .zero, .zero, .zero)
    for song in 0..<songs {
      let values = UnsafeRawPointer(b + song * bStride).load(as: SIMD8<Float>.self).doubles
      let row = factors + song * rows
      sums.0.addProduct(values, SIMD8(repeating: row[0]))
      sums.1.addProduct(values, SIMD8(repeating: row[1]))
      sums.2.addProduct(values, SIMD8(repeating: row[2]))
      sums.3.addProduct(values, SIMD8(repeating: row[3]))
    }
    return sums
  }
}
