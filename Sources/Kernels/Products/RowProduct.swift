/// The product that a recurrent step needs: eight songs' states times a weight matrix that stays in cache. A
/// general library spends more time on packing than on such a product.
enum RowProduct {
  /// Rows of every product; callers pad.
  static let rows = 8

  /// `c = a·b + bias`: a is [8 × inner], b [inner × columns], c [8 × columns]; columns a multiple of 16.
  @inline(__always)
  static func multiply(
    inner: Int, columns: Int, a: UnsafePointer<Float>, aStride: Int, b: UnsafePointer<Float>, bStride: Int,
    bias: UnsafePointer<Float>?, c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    var column = 0
    while column + 2 * vectorWidth <= columns {
      two(inner, a, aStride, b + column, bStride, bias.map { $0 + column }, c + column, cStride)
      column += 2 * vectorWidth
    }
    if column < columns {
      one(inner, a, aStride, b + column, bStride, bias.map { $0 + column }, c + column, cStride)
    }
  }

  @inline(__always)
  private static func two(
    _ inner: Int, _ a: UnsafePointer<Float>, _ s: Int, _ b: UnsafePointer<Float>, _ bStride: Int,
    _ bias: UnsafePointer<Float>?, _ c: UnsafeMutablePointer<Float>, _ cStride: Int
  ) {
    let left = bias.map { Vector.load($0) } ?? .zero
    let right = bias.map { Vector.load($0 + vectorWidth) } ?? .zero
    var (l0, l1, l2, l3, l4, l5, l6, l7) = (left, left, left, left, left, left, left, left)
    var (r0, r1, r2, r3, r4, r5, r6, r7) = (right, right, right, right, right, right, right, right)
    for k in 0..<inner {
      let x = Vector.load(b + k * bStride)
      let y = Vector.load(b + k * bStride + vectorWidth)
      let p = a + k
      l0 = l0.addingProduct(x, p[0])
      r0 = r0.addingProduct(y, p[0])
      l1 = l1.addingProduct(x, p[s])
      r1 = r1.addingProduct(y, p[s])
      l2 = l2.addingProduct(x, p[2 * s])
      r2 = r2.addingProduct(y, p[2 * s])
      l3 = l3.addingProduct(x, p[3 * s])
      r3 = r3.addingProduct(y, p[3 * s])
      l4 = l4.addingProduct(x, p[4 * s])
      r4 = r4.addingProduct(y, p[4 * s])
      l5 = l5.addingProduct(x, p[5 * s])
      r5 = r5.addingProduct(y, p[5 * s])
      l6 = l6.addingProduct(x, p[6 * s])
      r6 = r6.addingProduct(y, p[6 * s])
      l7 = l7.addingProduct(x, p[7 * s])
      r7 = r7.addingProduct(y, p[7 * s])
    }
    l0.store(c)
    r0.store(c + vectorWidth)
    l1.store(c + cStride)
    r1.store(c + cStride + vectorWidth)
    l2.store(c + 2 * cStride)
    r2.store(c + 2 * cStride + vectorWidth)
    l3.store(c + 3 * cStride)
    r3.store(c + 3 * cStride + vectorWidth)
    l4.store(c + 4 * cStride)
    r4.store(c + 4 * cStride + vectorWidth)
    l5.store(c + 5 * cStride)
    r5.store(c + 5 * cStride + vectorWidth)
    l6.store(c + 6 * cStride)
    r6.store(c + 6 * cStride + vectorWidth)
    l7.store(c + 7 * cStride)
    r7.store(c + 7 * cStride + vectorWidth)
  }

  @inline(__always)
  private static func one(
    _ inner: Int, _ a: UnsafePointer<Float>, _ s: Int, _ b: UnsafePointer<Float>, _ bStride: Int,
    _ bias: UnsafePointer<Float>?, _ c: UnsafeMutablePointer<Float>, _ cStride: Int
  ) {
    let start = bias.map { Vector.load($0) } ?? .zero
    var (l0, l1, l2, l3, l4, l5, l6, l7) = (start, start, start, start, start, start, start, start)
    for k in 0..<inner {
      let x = Vector.load(b + k * bStride)
      let p = a + k
      l0 = l0.addingProduct(x, p[0])
      l1 = l1.addingProduct(x, p[s])
      l2 = l2.addingProduct(x, p[2 * s])
      l3 = l3.addingProduct(x, p[3 * s])
      l4 = l4.addingProduct(x, p[4 * s])
      l5 = l5.addingProduct(x, p[5 * s])
      l6 = l6.addingProduct(x, p[6 * s])
      l7 = l7.addingProduct(x, p[7 * s])
    }
    l0.store(c)
    l1.store(c + cStride)
    l2.store(c + 2 * cStride)
    l3.store(c + 3 * cStride)
    l4.store(c + 4 * cStride)
    l5.store(c + 5 * cStride)
    l6.store(c + 6 * cStride)
    l7.store(c + 7 * cStride)
  }
}
