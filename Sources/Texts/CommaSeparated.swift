/// A text table with one record a line and commas between fields (RFC 4180).
package enum CommaSeparated {
  package static func line(_ fields: [String]) -> String { fields.map(quoted).joined(separator: ",") + "\n" }

  /// By scalars: a quotation mark with an accent behind it is another character to Swift, and a mark to who reads the table.
  private static func quoted(_ field: String) -> String {
    guard field.unicodeScalars.contains(where: { $0 == "\"" || $0 == "," || $0 == "\n" || $0 == "\r" }) else {
      return field
    }
    var quoted = String.UnicodeScalarView()
    for scalar in field.unicodeScalars {
      if scalar == "\"" { quoted.append("\"") }
      quoted.append(scalar)
    }
    return "\"" + String(quoted) + "\""
  }
}
