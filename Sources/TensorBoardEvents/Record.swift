/// The framing of an event file: length (8 bytes, little-endian), masked checksum of the length (4), data,
/// masked checksum of the data (4).
public enum Record {
  public static func framed(_ data: [UInt8]) -> [UInt8] {
    let length = bytes(of: UInt64(data.count))
    return length + bytes(of: CRC32C.masked(length)) + data + bytes(of: CRC32C.masked(data))
  }

  private static func bytes(of value: some FixedWidthInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
  }
}
