// Single precision to and from sums in double precision, which gradients are.

extension Vector {
  /// Sixteen sums, rounded.
  @inlinable @inline(__always)
  public static func load(rounding sums: UnsafePointer<Double>) -> Vector {
    Vector(lowHalf: .load(rounding: sums), highHalf: .load(rounding: sums + SIMD8<Float>.scalarCount))
  }

  /// Adds the values to sixteen sums in double precision.
  @inlinable @inline(__always)
  public func add(to sums: UnsafeMutablePointer<Double>) {
    let next = sums + SIMD8<Double>.scalarCount
    (SIMD8<Double>.load(sums) + lowHalf.doubles).store(sums)
    (SIMD8<Double>.load(next) + highHalf.doubles).store(next)
  }

  /// Writes the values in double precision.
  @inlinable @inline(__always)
  public func store(_ values: UnsafeMutablePointer<Double>) {
    lowHalf.doubles.store(values)
    highHalf.doubles.store(values + SIMD8<Double>.scalarCount)
  }
}

// The standard library's conversions between vectors may stay calls that go value by value; written out they are an
// instruction.

extension SIMD8<Float> {
  @inlinable @inline(__always)
  public var doubles: SIMD8<Double> {
    SIMD8<Double>(
      Double(self[0]), Double(self[1]), Double(self[2]), Double(self[3]), Double(self[4]), Double(self[5]),
      Double(self[6]), Double(self[7]))
  }

  @inlinable @inline(__always)
  public static func load(rounding address: UnsafePointer<Double>) -> SIMD8<Float> {
    SIMD8<Float>(rounding: .load(address))
  }

  @inlinable @inline(__always)
  public init(rounding values: SIMD8<Double>) {
    self.init(
      Float(values[0]), Float(values[1]), Float(values[2]), Float(values[3]), Float(values[4]), Float(values[5]),
      Float(values[6]), Float(values[7]))
  }

  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Float>) -> SIMD8<Float> {
    UnsafeRawPointer(address).load(as: SIMD8<Float>.self)
  }

  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Float>) {
    UnsafeMutableRawPointer(address).storeBytes(of: self, as: SIMD8<Float>.self)
  }
}

extension SIMD8<Double> {
  @inlinable @inline(__always)
  public static func load(_ address: UnsafePointer<Double>) -> SIMD8<Double> {
    UnsafeRawPointer(address).load(as: SIMD8<Double>.self)
  }

  @inlinable @inline(__always)
  public func store(_ address: UnsafeMutablePointer<Double>) {
    UnsafeMutableRawPointer(address).storeBytes(of: self, as: SIMD8<Double>.self)
  }
}
