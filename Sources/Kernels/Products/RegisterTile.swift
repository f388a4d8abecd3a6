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

extension Vector {
  /// Sixteen sums, rounded.
  @inline(__always)
  static func load(rounding sums: UnsafePointer<Double>) -> Vector {
    Vector(lowHalf: .load(rounding: sums), highHalf: .load(rounding: sums + SIMD8<Float>.scalarCount))
  }

  /// Adds the values to sixteen sums in double precision.
  @inline(__always)
  func add(to sums: UnsafeMutablePointer<Double>) {
    let next = sums + SIMD8<Double>.scalarCount
    (SIMD8<Double>.load(sums) + lowHalf.doubles).store(sums)
    (SIMD8<Double>.load(next) + highHalf.doubles).store(next)
  }

  /// Writes the values in double precision.
  @inline(__always)
  func store(_ values: UnsafeMutablePointer<Double>) {
    lowHalf.doubles.store(values)
    highHalf.doubles.store(values + SIMD8<Double>.scalarCount)
  }
}

// The standard library's conversions between vectors may stay calls that go value by value; written out they are an
// instruction.

extension SIMD8<Float> {
  @inline(__always)
  var doubles: SIMD8<Double> {
    SIMD8<Double>(
      Double(self[0]), Double(self[1]), Double(self[2]), Double(self[3]), Double(self[4]), Double(self[5]),
      Double(self[6]), Double(self[7]))
  }

  @inline(__always)
  static func load(rounding address: UnsafePointer<Double>) -> SIMD8<Float> {
    let values = SIMD8<Double>.load(address)
    return SIMD8<Float>(
      Float(values[0]), Float(values[1]), Float(values[2]), Float(values[3]), Float(values[4]), Float(values[5]),
      Float(values[6]), Float(values[7]))
  }
}

extension SIMD8<Double> {
  @inline(__always)
  static func load(_ address: UnsafePointer<Double>) -> SIMD8<Double> {
    UnsafeRawPointer(address).load(as: SIMD8<Double>.self)
  }

  @inline(__always)
  func store(_ address: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(address).storeBytes(of: self, as: SIMD8<Double>.self)
  }
}
