/// One-dimensional minimal filtering F(m, 3): m outputs of a 3-tap filter from m + 2 inputs by m + 2 products
/// (Toom and Cook; Winograd 1980; Lavin and Gray, "Fast algorithms for convolutional neural networks", 2016).
///
/// `y = Aᵀ[(G w) ⊙ (Bᵀ x)]`. In the comments `n = m + 2`. Two dimensions nest two of them. Gradients need the same
/// maps transposed. docs/convolution.md derives the matrices from their interpolation points.
protocol WinogradTransform: SendableMetatype {
  /// Outputs of a tile, m.
  static var outputs: Int { get }
  /// The filter's map G, n × 3, row-major.
  static var filterMap: [Float] { get }
  /// n → n: Bᵀ.
  static func input(_ x: UnsafePointer<Vector>, _ xStep: Int, _ y: UnsafeMutablePointer<Vector>, _ yStep: Int)
  /// n → n: B.
  static func inputAdjoint(
    _ x: UnsafePointer<Vector>, _ xStep: Int, _ y: UnsafeMutablePointer<Vector>, _ yStep: Int)
  /// n → m: Aᵀ.
  static func output(_ x: UnsafePointer<Vector>, _ xStep: Int, _ y: UnsafeMutablePointer<Vector>, _ yStep: Int)
  /// m → n: A.
  static func outputAdjoint(
    _ x: UnsafePointer<Vector>, _ xStep: Int, _ y: UnsafeMutablePointer<Vector>, _ yStep: Int)
}

extension WinogradTransform {
  /// Inputs of a tile and products for it, n = m + 2.
  @inline(__always) static var inputs: Int { outputs + 2 }
}

/// F(3, 3) on the points 0, 1, −1, 2, ∞.
enum WinogradF3: WinogradTransform {
  @inline(__always) static var outputs: Int { 3 }

  static var filterMap: [Float] {
    [
      0.5, 0, 0,
      -0.5, -0.5, -0.5,
      -1.0 / 6, 1.0 / 6, -1.0 / 6,
      1.0 / 6, 2.0 / 6, 4.0 / 6,
      0, 0, 1,
    ]
  }

  @inline(__always)
  static func input(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let x1 = x[xs]
    let x2 = x[2 * xs]
    let x3 = x[3 * xs]
    let difference = x3 - x1
    y[0] = difference.addingProduct(x[0] - x2, 2)
    y[ys] = (x3 - x2).addingProduct(x1, -2)
    y[2 * ys] = x3.addingProduct(x2, -3).addingProduct(x1, 2)
    y[3 * ys] = difference
    y[4 * ys] = (x[4 * xs] - x2).addingProduct(difference, -2)
  }

  @inline(__always)
  static func inputAdjoint(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let x0 = x[0]
    let x1 = x[xs]
    let x2 = x[2 * xs]
    let x3 = x[3 * xs]
    let x4 = x[4 * xs]
    y[0] = x0 + x0
    y[ys] = (x4 - x1 + x2).addingProduct(x4 - x1 + x2, 1) - x0 - x3
    y[2 * ys] = (-x1 - x4).addingProduct(x0, -2).addingProduct(x2, -3)
    y[3 * ys] = (x0 + x1 + x2 + x3).addingProduct(x4, -2)
    y[4 * ys] = x4
  }

  @inline(__always)
  static func output(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let sum = x[xs] + x[2 * xs]
    let x3 = x[3 * xs]
    y[0] = x[0] + sum + x3
    y[ys] = (x[xs] - x[2 * xs]).addingProduct(x3, 2)
    y[2 * ys] = (sum + x[4 * xs]).addingProduct(x3, 4)
  }

  @inline(__always)
  static func outputAdjoint(
    _ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int
  ) {
    let x0 = x[0]
    let x1 = x[xs]
    let x2 = x[2 * xs]
    let even = x0 + x2
    y[0] = x0
    y[ys] = even + x1
    y[2 * ys] = even - x1
    y[3 * ys] = x0.addingProduct(x1, 2).addingProduct(x2, 4)
    y[4 * ys] = x2
  }
}

/// F(6, 3) on the points 0, ±1, ±2, ±½, ∞.
enum WinogradF6: WinogradTransform {
  @inline(__always) static var outputs: Int { 6 }

  static var filterMap: [Float] {
    [
      1, 0, 0,
      -2.0 / 9, -2.0 / 9, -2.0 / 9,
      -2.0 / 9, 2.0 / 9, -2.0 / 9,
      1.0 / 90, 1.0 / 45, 2.0 / 45,
      1.0 / 90, -1.0 / 45, 2.0 / 45,
      32.0 / 45, 16.0 / 45, 8.0 / 45,
      32.0 / 45, -16.0 / 45, 8.0 / 45,
      0, 0, 1,
    ]
  }

  @inline(__always)
  static func input(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let x1 = x[xs]
    let x2 = x[2 * xs]
    let x3 = x[3 * xs]
    let x4 = x[4 * xs]
    let x5 = x[5 * xs]
    let x6 = x[6 * xs]
    y[0] = (x[0] - x6).addingProduct(x4 - x2, 5.25)
    y[7 * ys] = (x[7 * xs] - x1).addingProduct(x3 - x5, 5.25)
    let even1 = (x2 + x6).addingProduct(x4, -4.25)
    let odd1 = (x1 + x5).addingProduct(x3, -4.25)
    y[ys] = even1 + odd1
    y[2 * ys] = even1 - odd1
    let even2 = x6.addingProduct(x2, 0.25).addingProduct(x4, -1.25)
    let odd2 = (x1 * 0.5).addingProduct(x3, -2.5).addingProduct(x5, 2)
    y[3 * ys] = even2 + odd2
    y[4 * ys] = even2 - odd2
    let even3 = x6.addingProduct(x2, 4).addingProduct(x4, -5)
    let odd3 = (x5 * 0.5).addingProduct(x3, -2.5).addingProduct(x1, 2)
    y[5 * ys] = even3 + odd3
    y[6 * ys] = even3 - odd3
  }

  @inline(__always)
  static func inputAdjoint(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let x0 = x[0]
    let x7 = x[7 * xs]
    let sum1 = x[xs] + x[2 * xs]
    let difference1 = x[xs] - x[2 * xs]
    let sum2 = x[3 * xs] + x[4 * xs]
    let difference2 = x[3 * xs] - x[4 * xs]
    let sum3 = x[5 * xs] + x[6 * xs]
    let difference3 = x[5 * xs] - x[6 * xs]
    y[0] = x0
    y[ys] = (difference1 - x7).addingProduct(difference2, 0.5).addingProduct(difference3, 2)
    y[2 * ys] = sum1.addingProduct(x0, -5.25).addingProduct(sum2, 0.25).addingProduct(sum3, 4)
    y[3 * ys] = (x7 * 5.25).addingProduct(difference1, -4.25).addingProduct(difference2 + difference3, -2.5)
    y[4 * ys] = (x0 * 5.25).addingProduct(sum1, -4.25).addingProduct(sum2, -1.25).addingProduct(sum3, -5)
    y[5 * ys] = difference1.addingProduct(x7, -5.25).addingProduct(difference2, 2).addingProduct(
      difference3, 0.5)
    y[6 * ys] = sum1 - x0 + sum2 + sum3
    y[7 * ys] = x7
  }

  @inline(__always)
  static func output(_ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int) {
    let sum1 = x[xs] + x[2 * xs]
    let difference1 = x[xs] - x[2 * xs]
    let sum2 = x[3 * xs] + x[4 * xs]
    let difference2 = x[3 * xs] - x[4 * xs]
    let sum3 = x[5 * xs] + x[6 * xs]
    let difference3 = x[5 * xs] - x[6 * xs]
    y[0] = x[0] + sum1 + sum2 + sum3
    y[ys] = difference1.addingProduct(difference2, 2).addingProduct(difference3, 0.5)
    y[2 * ys] = sum1.addingProduct(sum2, 4).addingProduct(sum3, 0.25)
    y[3 * ys] = difference1.addingProduct(difference2, 8).addingProduct(difference3, 0.125)
    y[4 * ys] = sum1.addingProduct(sum2, 16).addingProduct(sum3, 0.0625)
    y[5 * ys] = (difference1 + x[7 * xs]).addingProduct(difference2, 32).addingProduct(difference3, 0.03125)
  }

  @inline(__always)
  static func outputAdjoint(
    _ x: UnsafePointer<Vector>, _ xs: Int, _ y: UnsafeMutablePointer<Vector>, _ ys: Int
  ) {
    let x0 = x[0]
    let x1 = x[xs]
    let x2 = x[2 * xs]
    let x3 = x[3 * xs]
    let x4 = x[4 * xs]
    let x5 = x[5 * xs]
    let even1 = x0 + x2 + x4
    let odd1 = x1 + x3 + x5
    y[0] = x0
    y[ys] = even1 + odd1
    y[2 * ys] = even1 - odd1
    let even2 = x0.addingProduct(x2, 4).addingProduct(x4, 16)
    let odd2 = (x1 + x1).addingProduct(x3, 8).addingProduct(x5, 32)
    y[3 * ys] = even2 + odd2
    y[4 * ys] = even2 - odd2
    let even3 = x0.addingProduct(x2, 0.25).addingProduct(x4, 0.0625)
    let odd3 = (x1 * 0.5).addingProduct(x3, 0.125).addingProduct(x5, 0.03125)
    y[5 * ys] = even3 + odd3
    y[6 * ys] = even3 - odd3
    y[7 * ys] = x5
  }
}
