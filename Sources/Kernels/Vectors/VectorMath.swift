/// Elementary functions on vectors. The standard library's vector conversions to integers, square root and
/// maximum go through scalar code; these stay in registers.
extension Vector {
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Float>) -> Vector {
    UnsafeRawPointer(address).load(as: Vector.self)
  }

  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(address).storeBytes(of: self, as: Vector.self)
  }

  /// The larger of each pair.
  @inlinable @inline(__always)
  public func larger(_ other: Vector) -> Vector { replacing(with: other, where: self .< other) }

  /// The smaller of each pair.
  @inlinable @inline(__always)
  public func smaller(_ other: Vector) -> Vector { replacing(with: other, where: other .< self) }

  /// The first values, and zeros behind them.
  @inlinable @inline(__always)
  public func keepingFirst(_ count: Int) -> Vector {
    if count >= vectorWidth { return self }
    var kept = self
    for lane in Swift.max(count, 0)..<vectorWidth { kept[lane] = 0 }
    return kept
  }

  /// e to the power of each value, relative error below 3·10⁻⁷ between −87 and 88, held at the ends outside.
  @_transparent
  public var exponential: Vector {
    let (power, rest) = powerAndRest
    return power.addingProduct(power, rest)
  }

  /// eˣ − 1, relative error below 3·10⁻⁷, also near zero, where the difference of the two would cancel; held at the ends
  /// as `exponential`.
  @_transparent
  public var exponentialMinusOne: Vector {
    let (power, rest) = powerAndRest
    return (power - 1).addingProduct(power, rest)
  }

  /// 2ⁿ and eʳ − 1, where x = n·ln 2 + r with |r| ≤ ln 2 / 2.
  ///
  /// eʳ − 1 by its Taylor polynomial of degree 7 (remainder below 6·10⁻⁹), 2ⁿ by the exponent's bits. Adding 1.5·2²³
  /// rounds to the nearest integer and leaves it in the low bits.
  ///
  /// Transparent, as what is made of it, since the compiler takes `@inline(__always)` for advice: called as a function it
  /// works on a quarter of a vector at a time, which is how vectors are handed over.
  @_transparent
  @usableFromInline
  var powerAndRest: (power: Vector, rest: Vector) {
    let x = larger(Vector(repeating: -87)).smaller(Vector(repeating: 88))
    let rounder = Vector(repeating: 12_582_912)
    let shifted = rounder.addingProduct(x, Vector(repeating: 1.442_695_04))
    let n = shifted - rounder
    // ln 2 in two parts, the first exact in few bits, so that n·ln 2 loses nothing.
    var r = x.addingProduct(n, Vector(repeating: -0.693_145_75))
    r = r.addingProduct(n, Vector(repeating: -1.428_606_8e-6))
    var p = Vector(repeating: 1.0 / 5040)
    p = Vector(repeating: 1.0 / 720).addingProduct(p, r)
    p = Vector(repeating: 1.0 / 120).addingProduct(p, r)
    p = Vector(repeating: 1.0 / 24).addingProduct(p, r)
    p = Vector(repeating: 1.0 / 6).addingProduct(p, r)
    p = Vector(repeating: 0.5).addingProduct(p, r)
    let exponent = (unsafeBitCast(shifted, to: SIMD16<Int32>.self) &+ 127) &<< 23
    return (unsafeBitCast(exponent, to: Vector.self), r.addingProduct(r * r, p))
  }

  /// 1 / (1 + e⁻ˣ).
  @_transparent
  public var sigmoid: Vector { 1 / (1 + (-self).exponential) }

  /// Hyperbolic tangent, (e²ˣ − 1) / (e²ˣ + 1).
  @_transparent
  public var hyperbolicTangent: Vector {
    let difference = (self + self).exponentialMinusOne
    return difference / (difference + 2)
  }

  /// eˣ − 1 below zero and x above: the exponential linear unit with α = 1 (Clevert et al. 2016, equation 16).
  @_transparent
  public var exponentialLinear: Vector {
    smaller(Vector(repeating: 0)).exponentialMinusOne.replacing(with: self, where: self .> Vector(repeating: 0))
  }

  /// Square root of values that are not negative, relative error below 2·10⁻⁷: the inverse root by the exponent's
  /// bits and three steps of Newton's method, then one of Heron's. Zero gives zero.
  @inlinable @inline(__always)
  public var root: Vector {
    let bits = unsafeBitCast(self, to: SIMD16<UInt32>.self)
    var inverse = unsafeBitCast(0x5f37_5a86 &- (bits &>> 1), to: Vector.self)
    let half = self * 0.5
    for _ in 0..<3 {
      inverse = inverse * (1.5 - half * inverse * inverse)
    }
    let estimate = self * inverse
    return estimate.addingProduct((self - estimate * estimate) * inverse, Vector(repeating: 0.5))
  }
}
