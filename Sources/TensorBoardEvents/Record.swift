/// The framing of an event file: length (8 bytes, little-endian), masked checksum of the length (4), data,
/// masked checksum of the data (4).
public enum Record {
  public static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(of: UInt64(data.count))
    return length + bytes(of: CRC32C.masked(length)) + data + bytes(of: CRC32C.masked(data))
  }

  /// The data of the records at a file's start, up to its end or to the first that is torn or damaged.
  public static func data(in bytes: [UInt8]) -> [ArraySlice<UInt8>] {
    var records: [ArraySlice<UInt8>] = []
    var rest = bytes[...]
    while rest.count >= frameBytes {
      let length = rest.prefix(8)
      let count = number(in: length, as: UInt64.self)
      guard count <= UInt64(rest.count - frameBytes),
        number(in: rest.dropFirst(8).prefix(4), as: UInt32.self) == CRC32C.masked(length)
      else { break }
      let data = rest.dropFirst(12).prefix(Int(count))
      guard number(in: rest.dropFirst(12 + Int(count)).prefix(4), as: UInt32.self) == CRC32C.masked(data) else {
        break
      }
      records.append(data)
      rest = rest.dropFirst(frameBytes + Int(count))
    }
    return records
  }

  /// Bytes of a record beside its data.
  private static let frameBytes = 16

  private static func number<Number: FixedWidthInteger>(in bytes: ArraySlice<UInt8>, as: Number.Type) -> Number {
    bytes.reversed().reduce(0) { $0 << 8 | Number($1) }
  }

  private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
}
