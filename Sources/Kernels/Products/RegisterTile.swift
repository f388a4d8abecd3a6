/// Six rows of a product, sixteen columns each, that stay in registers while the inner dimension goes by.
///
/// Six by sixteen suits every instruction set: six AVX-512 registers, twelve of the sixteen that AVX2 has, 24 of
/// NEON's 32; and six independent sums hide the latency of a multiplication. Every sum runs over the inner
/// dimension in order, by itself, so a row's result depends on nothing but the row, wherever it stands in a batch.
/// A general library chooses other orders for other sizes. docs/performance.md has the comparison.
struct RegisterTile {
  static let rows = 6

  private var row0 = Vector.zero
  private var row1 = Vector.zero
  private var row2 = Vector.zero
  private var row3 = Vector.zero
  private var row4 = Vector.zero
  private var row5 = Vector.zero

  /// The count rounded up to whole tiles.
  @inline(__always)
  static func padded(_ rows: Int) -> Int { (rows + RegisterTile.rows - 1) / RegisterTile.rows * RegisterTile.rows }

  /// Σ over k of a[row][k]·b[k][column].
  ///
  /// - Parameters:
  ///   - rowStep, innerStep: floats of `a` from one row, and from one k, to the next.
  ///   - bStep: floats of `b` from one k to the next.
  @inline(__always)
  init(
    inner: Int, a: UnsafePointer<Float>, rowStep: Int, innerStep: Int, b: UnsafePointer<Float>, bStep: Int
  ) {
    var left = a
    var right = b
    for _ in 0..<inner {
      let columns = Vector.load(right)
      row0 = row0.addingProduct(columns, left[0])
      row1 = row1.addingProduct(columns, left[rowStep])
      row2 = row2.addingProduct(columns, left[2 * rowStep])
      row3 = row3.addingProduct(columns, left[3 * rowStep])
      row4 = row4.addingProduct(columns, left[4 * rowStep])
      row5 = row5.addingProduct(columns, left[5 * rowStep])
      left += innerStep
      right += bStep
    }
  }

  @inline(__always)
  func store(_ target: UnsafeMutablePointer<Float>, step: Int) {
    row0.store(target)
    row1.store(target + step)
    row2.store(target + 2 * step)
    row3.store(target + 3 * step)
    row4.store(target + 4 * step)
    row5.store(target + 5 * step)
  }

  /// Adds the tile to sums in double precision.
  @inline(__always)
  func add(to sums: UnsafeMutablePointer<Double>, step: Int) {
    row0.add(to: sums)
    row1.add(to: sums + step)
    row2.add(to: sums + 2 * step)
    row3.add(to: sums + 3 * step)
    row4.add(to: sums + 4 * step)
    row5.add(to: sums + 5 * step)
  }

  /// Writes the tile in double precision.
  @inline(__always)
  func store(_ sums: UnsafeMutablePointer<Double>, step: Int) {
    row0.store(sums)
    row1.store(sums + step)
    row2.store(sums + 2 * step)
    row3.store(sums + 3 * step)
    row4.store(sums + 4 * step)
    row5.store(sums + 5 * step)
  }
}
