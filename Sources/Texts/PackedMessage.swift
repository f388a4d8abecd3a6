import Diagnosis
import MessagePassing

// check-layers: raw memory, because numbers are appended as bytes and the communicator takes bytes where they lie.

/// Writes numbers and texts one after the other, for exchange between processes of one program.
package struct PackedWriter {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func write(_ value: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(value)).littleEndian) { bytes.append(contentsOf: $0) }
  }

  package mutating func write(_ value: UInt64) { write(Int(bitPattern: UInt(value))) }

  package mutating func write(_ text: String) {
    let utf8 = text.utf8
    write(utf8.count)
    bytes.append(contentsOf: utf8)
  }

  package mutating func write(_ texts: [String]) {
    write(texts.count)
    for text in texts { write(text) }
  }

  package mutating func write(_ values: [UInt8]) {
    write(values.count)
    bytes.append(contentsOf: values)
  }

  /// Numbers as this machine has them, for a process on the same one.
  package mutating func write<Number: BitwiseCopyable>(numbers: [Number]) {
    numbers.withUnsafeBytes { numbers in
      write(numbers.count)
      bytes.append(contentsOf: numbers)
    }
  }
}

/// Reads what a `PackedWriter` of another process wrote.
package struct PackedReader {
  private let bytes: [UInt8]
  private var position = 0

  package init(_ bytes: [UInt8]) { self.bytes = bytes }

  package mutating func readInt() throws -> Int {
    var value: UInt64 = 0
    for (index, byte) in try take(8).enumerated() { value |= UInt64(byte) << (8 * index) }
    return Int(Int64(bitPattern: value))
  }

  package mutating func readWord() throws -> UInt64 { UInt64(bitPattern: Int64(try readInt())) }

  package mutating func readText() throws -> String { String(decoding: try take(try readInt()), as: UTF8.self) }

  package mutating func readTexts() throws -> [String] {
    let count = try readInt()
    guard count >= 0, count <= bytes.count - position else { throw truncated }
    var texts: [String] = []
    texts.reserveCapacity(count)
    for _ in 0..<count { texts.append(try readText()) }
    return texts
  }

  package mutating func readNumbers<Number: BitwiseCopyable>() throws -> [Number] {
    let taken = try take(try readInt())
    let count = taken.count / MemoryLayout<Number>.stride
    return [Number](unsafeUninitializedCapacity: count) { buffer, filled in
      taken.prefix(count * MemoryLayout<Number>.stride).withUnsafeBytes {
        UnsafeMutableRawBufferPointer(buffer).copyMemory(from: $0)
      }
      filled = count
    }
  }

  package mutating func readBytes() throws -> [UInt8] { Array(try take(try readInt())) }

  private mutating func take(_ count: Int) throws -> ArraySlice<UInt8> {
    guard count >= 0, count <= bytes.count - position else { throw truncated }
    defer { position += count }
    return bytes[position..<position + count]
  }

  private var truncated: Failure { Failure(.fault, "a message between processes is shorter than it says") }
}

extension Communicator {
  /// Every rank's message, by rank, on every rank.
  package func allgather(_ message: PackedWriter) throws -> [PackedReader] {
    try message.bytes.withUnsafeBytes { try allgather($0) }.map { PackedReader($0) }
  }

  /// Every rank's message, by rank, on rank 0; none elsewhere.
  package func gatherToRoot(_ message: PackedWriter) throws -> [PackedReader] {
    try message.bytes.withUnsafeBytes { try gather($0, root: 0) }?.map { PackedReader($0) } ?? []
  }
}
