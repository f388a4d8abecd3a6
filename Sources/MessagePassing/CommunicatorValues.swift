import Diagnosis
import Foundation

/// Collectives over arrays of numbers and over values that can be coded. The numbers travel as they are in
/// memory: all ranks run on one kind of machine.
extension Communicator {
  /// The combination over all ranks of each element. Counts are equal on all ranks.
  public func allreduce<Number: ReducibleNumber>(_ values: [Number], _ reduction: Reduction) throws -> [Number] {
    var combined = values
    try combined.withUnsafeMutableBufferPointer { try allreduce($0, reduction) }
    return combined
  }

  /// The combination over all ranks of one number.
  public func allreduce<Number: ReducibleNumber>(_ value: Number, _ reduction: Reduction) throws -> Number {
    try allreduce([value], reduction)[0]
  }

  /// The root's numbers on every rank; what the other ranks pass does not matter.
  public func broadcast<Number: ReducibleNumber>(_ values: [Number], root: Int = 0) throws -> [Number] {
    let bytes = try broadcastBytes(root: root, values.withUnsafeBytes { rank == root ? [UInt8]($0) : [] })
    return [Number](copying: bytes)
  }

  /// The root's value on every rank; what the other ranks pass does not matter.
  public func broadcast<Value: Codable>(_ value: Value, root: Int = 0) throws -> Value {
    try broadcast(root: root) { value }
  }

  /// What the body returns on the root, on every rank. The body runs on the root alone; when it throws there,
  /// its failure is thrown on every rank.
  public func broadcast<Value: Codable>(root: Int = 0, _ body: () throws -> Value) throws -> Value {
    let bytes = try agree { rank == root ? try encode(body()) : [] }
    return try decode(broadcastBytes(root: root, bytes), as: Value.self)
  }

  /// Every rank's value, by rank, on the root; nil elsewhere.
  public func gather<Value: Codable>(_ value: Value, root: Int = 0) throws -> [Value]? {
    try encode(value).withUnsafeBytes { try gather($0, root: root) }?
      .map { try decode($0, as: Value.self) }
  }

  /// Every rank's numbers, by rank, on the root; nil elsewhere. Counts may differ.
  public func gather<Number: ReducibleNumber>(_ values: [Number], root: Int = 0) throws -> [[Number]]? {
    try values.withUnsafeBytes { try gather($0, root: root) }?.map { [Number](copying: $0) }
  }

  /// Every rank's value, by rank, on every rank.
  public func allgather<Value: Codable>(_ value: Value) throws -> [Value] {
    try encode(value).withUnsafeBytes { try allgather($0) }.map { try decode($0, as: Value.self) }
  }

  /// Every rank's numbers, by rank, on every rank. Counts may differ.
  public func allgather<Number: ReducibleNumber>(_ values: [Number]) throws -> [[Number]] {
    try values.withUnsafeBytes { try allgather($0) }.map { [Number](copying: $0) }
  }

  /// Every rank's values, by rank, on every rank; also of kinds that cannot be reduced. Counts may differ.
  public func allgather<Value: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    values: [Value]
  ) throws -> [[Value]] {
    try values.withUnsafeBytes { try allgather($0) }.map { [Value](copying: $0) }
  }

  /// The root's values on every rank; what the other ranks pass does not matter.
  public func broadcast<Value: BitwiseCopyable & ExpressibleByIntegerLiteral>(
    values: [Value], root: Int
  ) throws -> [Value] {
    let bytes = try broadcastBytes(root: root, values.withUnsafeBytes { rank == root ? [UInt8]($0) : [] })
    return [Value](copying: bytes)
  }

  /// Bytes of any length from the root: the length first, so that the others can make room.
  private func broadcastBytes(root: Int, _ bytes: [UInt8]) throws -> [UInt8] {
    var count = bytes.count
    try withUnsafeMutableBytes(of: &count) { try broadcast($0, root: root) }
    var received = rank == root ? bytes : [UInt8](repeating: 0, count: count)
    try received.withUnsafeMutableBytes { try broadcast($0, root: root) }
    return received
  }
}

extension Array where Element: BitwiseCopyable & ExpressibleByIntegerLiteral {
  /// Numbers from their bytes in memory.
  fileprivate init(copying bytes: [UInt8]) {
    self = Array(repeating: 0, count: bytes.count / MemoryLayout<Element>.stride)
    withUnsafeMutableBytes { $0.copyBytes(from: bytes.prefix($0.count)) }
  }
}

// JSON has no infinities and no NaN; messages between ranks must carry them.
private let infinity = "+infinity"
private let negativeInfinity = "-infinity"
private let notANumber = "not a number"

private func encode(_ value: some Encodable) throws -> [UInt8] {
  let encoder = JSONEncoder()
  encoder.nonConformingFloatEncodingStrategy = .convertToString(
    positiveInfinity: infinity, negativeInfinity: negativeInfinity, nan: notANumber)
  do {
    return [UInt8](try encoder.encode(value))
  } catch {
    throw Failure(.fault, "cannot encode a message of type \(type(of: value)): \(error)")
  }
}

private func decode<Value: Decodable>(_ bytes: [UInt8], as type: Value.Type) throws -> Value {
  let decoder = JSONDecoder()
  decoder.nonConformingFloatDecodingStrategy = .convertFromString(
    positiveInfinity: infinity, negativeInfinity: negativeInfinity, nan: notANumber)
  do {
    return try decoder.decode(type, from: Data(bytes))
  } catch {
    throw Failure(.fault, "cannot decode a message of type \(type): \(error)")
  }
}
