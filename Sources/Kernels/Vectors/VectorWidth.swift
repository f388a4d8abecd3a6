/// Sixteen floats: one AVX-512 register, two AVX registers, four NEON registers. Every map and every weight
/// tensor is padded to this many channels, and the padding is always zero.
public typealias Vector = SIMD16<Float>

/// Floats in a vector.
public let vectorWidth = 16

/// The count rounded up to whole vectors.
@inlinable
public func padded(_ count: Int) -> Int { (count + vectorWidth - 1) & ~(vectorWidth - 1) }
