/// How `allreduce` combines values.
public enum Reduction: String, Sendable {
  case sum
  case minimum
  case maximum
}

/// The machine types of the numbers that can be combined over ranks.
public enum NumberType: String, Sendable {
  case float
  case double
  case int32
  case int64
  case uint32
  case uint64
}

/// The numbers that can be combined over ranks.
public protocol ReducibleNumber: Numeric, Comparable, BitwiseCopyable, Sendable, Codable {
  static var numberType: NumberType { get }
  /// The sum as MPI_SUM has it: integers wrap round.
  static func wrappingSum(_ first: Self, _ second: Self) -> Self
}

extension Float: ReducibleNumber {
  public static var numberType: NumberType { .float }
  public static func wrappingSum(_ first: Float, _ second: Float) -> Float { first + second }
}

extension Double: ReducibleNumber {
  public static var numberType: NumberType { .double }
  public static func wrappingSum(_ first: Double, _ second: Double) -> Double { first + second }
}

extension Int32: ReducibleNumber {
  public static var numberType: NumberType { .int32 }
  public static func wrappingSum(_ first: Int32, _ second: Int32) -> Int32 { first &+ second }
}

extension Int: ReducibleNumber {
  public static var numberType: NumberType { .int64 }
  public static func wrappingSum(_ first: Int, _ second: Int) -> Int { first &+ second }
}

extension UInt32: ReducibleNumber {
  public static var numberType: NumberType { .uint32 }
  public static func wrappingSum(_ first: UInt32, _ second: UInt32) -> UInt32 { first &+ second }
}

extension UInt64: ReducibleNumber {
  public static var numberType: NumberType { .uint64 }
  public static func wrappingSum(_ first: UInt64, _ second: UInt64) -> UInt64 { first &+ second }
}
