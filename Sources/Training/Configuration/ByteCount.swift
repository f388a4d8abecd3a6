/// A number of bytes as people write it: `2GiB`, `500MB`, `1.5G`, `1048576`. G and GiB are the binary units, GB the
/// decimal ones.
public struct ByteCount: Sendable, Equatable, LosslessStringConvertible {
  public var bytes: Int

  public init(_ bytes: Int) { self.bytes = bytes }

  private static let units: [(name: String, bytes: Double)] = [
    ("TiB", 0x1p40), ("GiB", 0x1p30), ("MiB", 0x1p20), ("KiB", 0x1p10), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6),
    ("KB", 1e3), ("kB", 1e3), ("T", 0x1p40), ("G", 0x1p30), ("M", 0x1p20), ("K", 0x1p10), ("k", 0x1p10), ("B", 1),
    ("", 1),
  ]

  /// Nil where the text is no such number, or not above 0.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
    let unit = text.dropFirst(digits.count).drop { $0 == " " }
    guard let number = Double(digits), let factor = Self.units.first(where: { $0.name == unit })?.bytes,
      number * factor >= 1, number * factor < 0x1p62
    else { return nil }
    bytes = Int(number * factor)
  }

  /// Exact: in the largest binary unit that gives a whole number.
  public var description: String {
    for (name, size) in Self.units.prefix(4) where bytes % Int(size) == 0 && bytes > 0 {
      return "\(bytes / Int(size))\(name)"
    }
    return "\(bytes)"
  }
}
