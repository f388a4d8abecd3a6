import Foundation

/// Writes the fields of one protocol buffer, as https://protobuf.dev/programming-guides/encoding describes: for messages of
/// TensorBoard's plugins, of which few fields are used.
struct ProtoFields {
  private(set) var bytes: [UInt8] = []

  private enum Kind: UInt64 {
    case varint = 0
    case eight = 1
    case counted = 2
  }

  mutating func add(_ field: Int, _ value: Int) {
    begin(field, .varint)
    add(varint: UInt64(bitPattern: Int64(value)))
  }

  mutating func add(_ field: Int, _ value: Double) {
    begin(field, .eight)
    add(value)
  }

  mutating func add(_ field: Int, _ value: [UInt8]) {
    begin(field, .counted)
    add(varint: UInt64(value.count))
    bytes += value
  }

  mutating func add(_ field: Int, _ text: String) { add(field, Array(text.utf8)) }

  /// A message within.
  mutating func add(_ field: Int, _ write: (inout ProtoFields) -> Void) {
    var inner = ProtoFields()
    write(&inner)
    add(field, inner.bytes)
  }

  /// Numbers behind one another, packed.
  mutating func add(_ field: Int, packed values: [Double]) {
    var inner = ProtoFields()
    for value in values { inner.add(value) }
    add(field, inner.bytes)
  }

  private mutating func begin(_ field: Int, _ kind: Kind) { add(varint: UInt64(field) << 3 | kind.rawValue) }

  private mutating func add(_ value: Double) {
    let bits = value.bitPattern
    for byte in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: bits >> (8 * byte))) }
  }

  private mutating func add(varint value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}
