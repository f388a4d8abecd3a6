/// The form of a Million Song Dataset track id: TR, five letters, eleven hexadecimal digits (TRAAABD128F429CF47).
public enum TrackIdentifier {
  public static let length = 18

  public static func isWellFormed(_ id: String) -> Bool {
    let bytes = Array(id.utf8)
    guard bytes.count == length, bytes[0] == UInt8(ascii: "T"), bytes[1] == UInt8(ascii: "R") else { return false }
    let letters = bytes[2..<7].allSatisfy { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
    let digits = bytes[7...].allSatisfy {
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0)
    }
    return letters && digits
  }

  /// The name of a path's last component without its extension: the track id where the tree is in order.
  package static func stem(ofPath path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    return name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }
}
