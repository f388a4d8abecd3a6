import Foundation

/// A text as the join `normalised` compares it: of two texts that differ only in how their letters are encoded, in
/// case or in white space, it makes the same.
enum NormalisedText {
  /// Unicode's NFKC, full case folding, NFKC again; then white space folded to single blanks and trimmed.
  static func of(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 < 0x80 }) { return folded(text.lowercased()) }
    var cased = String.UnicodeScalarView()
    for scalar in text.precomposedStringWithCompatibilityMapping.unicodeScalars { append(scalar, to: &cased) }
    return folded(String(cased).precomposedStringWithCompatibilityMapping)
  }

  /// A scalar's case folding, which Unicode's tables of upper and lower case give but for two letters.
  private static func append(_ scalar: Unicode.Scalar, to text: inout String.UnicodeScalarView) {
    switch scalar {
    case "ı": text.append(scalar)  // It is no i.
    case "ẞ": text.append(contentsOf: "ss".unicodeScalars)
    default:
      for upper in scalar.properties.uppercaseMapping.unicodeScalars {
        text.append(contentsOf: upper.properties.lowercaseMapping.unicodeScalars)
      }
    }
  }

  private static func folded(_ text: String) -> String {
    text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }.joined(separator: " ")
  }
}
