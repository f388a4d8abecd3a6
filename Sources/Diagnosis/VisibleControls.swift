extension String {
  /// The text with every control character in words: a zero byte as `\u{0}`.
  ///
  /// Texts come from files of anyone's making. Shown as they are, they could break a line in two, or make a terminal do
  /// what it is told in them.
  public var withVisibleControls: String {
    guard unicodeScalars.contains(where: \.breaksLines) else { return self }
    var result = ""
    for scalar in unicodeScalars {
      if scalar.breaksLines {
        result += scalar.visible
      } else {
        result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

extension Unicode.Scalar {
  /// Whether it is a control character or one that ends a line or paragraph.
  public var breaksLines: Bool {
    switch properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
  }

  /// Its number in hexadecimal digits, as Swift writes it in a text: `\u{1b}`.
  public var visible: String { "\\u{\(String(value, radix: 16))}" }
}
