/// How a number is written in a message between ranks.
public enum NumberFormat: Sendable {
  /// 64 bits.
  case double
  /// 32 bits.
  case float
  /// The upper half of a `float`: its range, and eight bits of precision (bfloat16).
  case brainFloat

  public var bytes: Int {
    switch self {
    case .double: 8
    case .float: 4
    case .brainFloat: 2
    }
  }
}

/// Numbers one after the other in some format.
public struct NumberRun {
  public let start: UnsafeRawPointer
  public let format: NumberFormat

  public init(_ start: UnsafeRawPointer, _ format: NumberFormat) { (self.start, self.format) = (start, format) }

  /// The run from a number on.
  func dropping(_ count: Int) -> NumberRun { NumberRun(start + count * format.bytes, format) }

  /// The numbers as doubles: where they are, or else in the room.
  func doubles(_ count: Int, room: UnsafeMutablePointer<Double>) -> UnsafePointer<Double> {
    switch format {
    case .double:
      return start.assumingMemoryBound(to: Double.self)
    case .float:
      let values = start.assumingMemoryBound(to: Float.self)
      for i in 0..<count { room[i] = Double(values[i]) }
    case .brainFloat:
      let values = start.assumingMemoryBound(to: UInt16.self)
      for i in 0..<count { room[i] = Double(BrainFloat.value(values[i])) }
    }
    return UnsafePointer(room)
  }
}

/// The upper half of a `Float`.
enum BrainFloat {
  @inline(__always)
  static func value(_ bits: UInt16) -> Float { Float(bitPattern: UInt32(bits) << 16) }

  /// Rounds to the nearest, ties to even; what is not finite stays so.
  @inline(__always)
  static func bits(_ value: Float) -> UInt16 {
    let bits = value.bitPattern
    let rounded = (bits &+ 0x7fff &+ (bits >> 16 & 1)) >> 16
    // Rounding could carry the bits of a NaN over into another number.
    let kept = bits >> 16 | 0x40
    return UInt16(truncatingIfNeeded: value.isNaN ? kept : rounded)
  }
}
