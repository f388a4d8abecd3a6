import TensorBoardEvents
import Yams

extension RunConfiguration: Encodable {
  /// As an object: the options that are set, by their names, with numbers, truths, texts and lists as JSON has them.
  public func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    for option in RunOption.all {
      guard let node = option.get(self) else { continue }
      try document.encode(JSONValue(node), forKey: Key(stringValue: option.key))
    }
  }

  /// The options that are set, by their names, lists as texts.
  var settings: [(name: String, value: Hyperparameter)] {
    RunOption.all.compactMap { option in option.get(self).map { (option.key, JSONValue($0).setting) } }
  }

  private struct Key: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { return nil }
  }
}

/// A YAML value as JSON has it.
private enum JSONValue: Encodable {
  case whole(Int)
  case seed(UInt64)
  case number(Double)
  case truth(Bool)
  case text(String)
  case list([JSONValue])

  init(_ node: Node) {
    if let sequence = node.sequence {
      self = .list(sequence.map { JSONValue($0) })
      return
    }
    let text = node.string ?? ""
    if case .scalar(let scalar) = node, scalar.style == .doubleQuoted {
      self = .text(text)
    } else if let whole = Int(text) {
      self = .whole(whole)
    } else if let seed = UInt64(text) {
      self = .seed(seed)
    } else if let number = Double(text), number.isFinite {
      self = .number(number)
    } else if let truth = Bool(text) {
      self = .truth(truth)
    } else {
      self = .text(text)
    }
  }

  /// As TensorBoard takes it.
  var setting: Hyperparameter {
    switch self {
    case .whole(let value): .number(Double(value))
    case .seed(let value): .number(Double(value))
    case .number(let value): .number(value)
    case .truth(let value): .truth(value)
    case .text, .list: .text(words)
    }
  }

  private var words: String {
    switch self {
    case .whole(let value): "\(value)"
    case .seed(let value): "\(value)"
    case .number(let value): "\(value)"
    case .truth(let value): "\(value)"
    case .text(let text): text
    case .list(let values): "[" + values.map(\.words).joined(separator: ", ") + "]"
    }
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .whole(let value): try container.encode(value)
    case .seed(let value): try container.encode(value)
    case .number(let value): try container.encode(value)
    case .truth(let value): try container.encode(value)
    case .text(let value): try container.encode(value)
    case .list(let values): try container.encode(values)
    }
  }
}
