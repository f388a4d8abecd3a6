/// Products of many rows, each of which has the same result to the last bit wherever it stands among them: what a song
/// needs whose prediction, or part of a gradient, must not depend on the songs before it.
///
/// OpenBLAS's kernels for AVX-512 treat all rows alike. Those for AVX2 take twelve rows at a time and add up the products
/// of the second six in another order than those of the first. Where that is so (it is found out once) the product is
/// made of register tiles, which add up every row's products in their order.
public enum RowwiseProduct {
  /// Rows of a product: always as many, since the library rounds differently for other sizes.
  static let rowsAtOnce = 128

  /// Whether a product with the right matrix transposed needs that matrix laid out as `transposed`.
  public static let needsTransposed = !libraryTreatsRowsAlike

  /// `c = a·b`: a is [rows × inner], b is [inner × columns], c is [rows × columns]; strides in floats. At least six
  /// rows; columns a multiple of 16.
  public static func multiply(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    if needsTransposed {
      tiles(
        rows: rows, columns: columns, inner: inner, a: a, aStride: aStride, b: b, bStride: bStride, c: c,
        cStride: cStride)
    } else {
      MatrixProduct.multiply(
        rows: rows, columns: columns, inner: inner, a: a, aStride: aStride, b: b, bStride: bStride, c: c,
        cStride: cStride)
    }
  }

  /// `c = a·bᵀ`: b is [columns × inner], and `transposed`, where it is needed, [inner × columns, padded] with the stride
  /// of c, whose rows have room for whole vectors.
  public static func multiplyTransposedRight(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bStride: Int, transposed: UnsafePointer<Float>, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    if needsTransposed {
      tiles(
        rows: rows, columns: padded(columns), inner: inner, a: a, aStride: aStride, b: transposed,
        bStride: cStride, c: c, cStride: cStride)
    } else {
      MatrixProduct.multiplyTransposedRight(
        rows: rows, columns: columns, inner: inner, a: a, aStride: aStride, b: b, bStride: bStride, c: c,
        cStride: cStride)
    }
  }

  /// The last tile overlaps the one before it where the rows are not a multiple: its rows come out the same again.
  private static func tiles(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    for column in stride(from: 0, to: columns, by: vectorWidth) {
      for first in stride(from: 0, to: rows, by: RegisterTile.rows) {
        let row = min(first, rows - RegisterTile.rows)
        RegisterTile(
          inner: inner, a: a + row * aStride, rowStep: aStride, innerStep: 1, b: b + column, bStep: bStride
        ).store(c + row * cStride + column, step: cStride)
      }
    }
  }

  /// Multiplies equal rows, as many as are multiplied at once, by matrices of the sizes that the library has kernels of their
  /// own for, both ways, and looks whether all results are equal.
  private static let libraryTreatsRowsAlike: Bool = {
    let rows = rowsAtOnce
    return [(30, 96), (60, 96), (128, 96), (339, 528)].allSatisfy { inputs, gates in
      let width = padded(max(inputs, gates))
      let (a, b) = (AlignedBuffer(count: rows * width), AlignedBuffer(count: inputs * gates))
      let c = AlignedBuffer(count: rows * width)
      for i in 0..<a.count { a.start[i] = 1 / Float(3 + i % width) }
      for i in 0..<b.count { b.start[i] = 1 / Float(7 + i % 1_013) - 0.01 }
      func rowsAreEqual(_ columns: Int) -> Bool {
        (1..<rows).allSatisfy { row in
          (0..<columns).allSatisfy { c.start[row * width + $0] == c.start[$0] }
        }
      }
      return withExtendedLifetime((a, b, c)) {
        MatrixProduct.multiply(
          rows: rows, columns: gates, inner: inputs, a: a.start, aStride: width, b: b.start, bStride: gates,
          c: c.start, cStride: width)
        guard rowsAreEqual(gates) else { return false }
        MatrixProduct.multiplyTransposedRight(
          rows: rows, columns: inputs, inner: gates, a: a.start, aStride: width, b: b.start, bStride: gates,
          c: c.start, cStride: width)
        return rowsAreEqual(inputs)
      }
    }
  }()
}
