import COpenBLAS

/// Row-major single-precision products by OpenBLAS, always on the calling thread: the program's own threads
/// divide the work, and a library that starts its own on top of them would share every core with itself.
public enum MatrixProduct {
  private static let singleThreaded: Void = openblas_set_num_threads(1)

  /// `c = a·b`: a is [rows × inner], b is [inner × columns], c is [rows × columns]; strides in floats.
  public static func multiply(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    product(CblasNoTrans, rows, columns, inner, a, aStride, b, bStride, c, cStride)
  }

  /// `c = a·bᵀ`: b is [columns × inner].
  public static func multiplyTransposedRight(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>,
    bStride: Int, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    product(CblasTrans, rows, columns, inner, a, aStride, b, bStride, c, cStride)
  }

  private static func product(
    _ bOrder: CBLAS_TRANSPOSE, _ rows: Int, _ columns: Int, _ inner: Int, _ a: UnsafePointer<Float>,
    _ aStride: Int, _ b: UnsafePointer<Float>, _ bStride: Int, _ c: UnsafeMutablePointer<Float>, _ cStride: Int
  ) {
    _ = singleThreaded
    if rows == 0 || columns == 0 { return }
    cblas_sgemm(
      CblasRowMajor, CblasNoTrans, bOrder, blasint(rows), blasint(columns), blasint(inner), 1, a, blasint(aStride),
      b, blasint(bStride), 0, c, blasint(cStride))
  }
}
