import Diagnosis

/// A text table with one record a line and tabs between fields.
package enum TabSeparated {
  /// One line. A tab, line break or backslash inside a field is written `\t`, `\n`, `\r`, `\\`, any other control
  /// character by its number, such as `\u{1b}`.
  package static func line(_ fields: [String]) -> String {
    fields.map(escaped).joined(separator: "\t") + "\n"
  }

  private static func escaped(_ field: String) -> String {
    guard field.unicodeScalars.contains(where: { $0.breaksLines || $0 == "\\" }) else { return field }
    var result = ""
    for scalar in field.unicodeScalars {
      switch scalar {
      case "\\": result += "\\\\"
      case "\t": result += "\\t"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case _ where scalar.breaksLines: result += scalar.visible
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}
