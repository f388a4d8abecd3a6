import Diagnosis
import FileAccess
import Foundation
import Yams

extension RunConfiguration {
  /// Overlays a YAML file's options. Throws `missingInput` where it cannot be read, `usage` where it is no YAML
  /// mapping, names an unknown option or gives one a value that it does not take.
  public mutating func apply(yamlFile path: String) throws {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: 1 << 20)
    } catch {
      throw Failure(.missingInput, "\(path): cannot read the configuration: \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.usage, "\(path): the configuration is not UTF-8 text")
    }
    try apply(yaml: text, source: path)
  }

  /// Whether the file at a path is a configuration of this program. Throws `missingInput` where it cannot be read.
  static func isConfiguration(_ path: String) throws -> Bool {
    var configuration = RunConfiguration()
    do {
      try configuration.apply(yamlFile: path)
      return true
    } catch let failure as Failure where failure.kind == .usage {
      return false
    }
  }

  /// Overlays options from YAML text; `source` stands for the file in messages.
  public mutating func apply(yaml text: String, source: String) throws {
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch {
      let reason = "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
      throw Failure(.usage, "\(source): not YAML: \(reason)")
    }
    guard let root, root != Node("") else { return }  // An empty file changes nothing.
    guard let mapping = root.mapping else {
      throw Failure(.usage, "\(source): expected lines of option: value, found \(root.kindInWords)")
    }
    let options = RunOption.all
    // A model replaces a spelt-out shape of the layers below, and a split the hash of another one's lists, but not
    // those of their own file.
    let pairs = Array(mapping)
    try Self.refuseTogether(pairs.compactMap { $0.1.null == nil ? $0.0.string : nil }, in: source)
    func comesFirst(_ key: Node) -> Bool { ["model", "split"].contains(key.string) }
    for (key, value) in pairs.filter({ comesFirst($0.key) }) + pairs.filter({ !comesFirst($0.key) }) {
      let name = key.string ?? key.kindInWords
      guard let option = options.first(where: { $0.key == name }) else {
        throw Self.unknownOption(name, in: source, known: options.map(\.key))
      }
      try set(option, to: value, named: "\(source): \(option.key)")
    }
  }

  /// Overlays options from the command line: keys of `RunOption` with their values' text.
  public mutating func apply(commandLine values: [(key: String, text: String)]) throws {
    let options = RunOption.all
    try Self.refuseTogether(values.map(\.key), in: "the command line")
    for (key, text) in values.filter({ $0.key == "model" }) + values.filter({ $0.key != "model" }) {
      guard let option = options.first(where: { $0.key == key }) else {
        throw Failure(.fault, "the command line has an option \(key) that a run does not know")
      }
      // Lists are written as in YAML; everything else is taken as it stands.
      let node = text.hasPrefix("[") ? (try? Yams.compose(yaml: text)) ?? Node(text) : Node(text)
      try set(option, to: node, named: option.flag)
    }
  }

  private mutating func set(_ option: RunOption, to value: Node, named name: String) throws {
    // `key:` with nothing behind it, or null: the default stays.
    if value.null != nil { return }
    guard try option.set(&self, value) else {
      throw Failure(.usage, "\(name): found \(value.inWords), expected \(option.expected)")
    }
  }

  /// Two options of one place that each would replace the other.
  private static func refuseTogether(_ keys: [String], in source: String) throws {
    guard keys.contains("split"), keys.contains("folds") else { return }
    throw Failure(
      .usage, "\(source): found both split and folds, expected one of them",
      remedy: "folds are a split: by artist, one fold for validation")
  }

  private static func unknownOption(_ name: String, in source: String, known: [String]) -> Failure {
    let remedy = nearestWord(to: name, among: known).map { "did you mean \($0)?" }
    return Failure(.usage, "\(source): unknown option \(name)", remedy: remedy)
  }

  /// The configuration as YAML text that gives the same configuration when applied to the defaults.
  public var yaml: String {
    let pairs = RunOption.all.compactMap { option in option.get(self).map { (Node(option.key), $0) } }
    let node = Node.mapping(Node.Mapping(pairs))
    let text = try? Yams.serialize(node: node)
    return text ?? pairs.map { "\($0.0.string ?? ""): \($0.1.string ?? "")\n" }.joined()
  }
}

extension Node {
  fileprivate var kindInWords: String {
    switch self {
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .scalar(let scalar): "\"\(scalar.string)\""
    case .alias: "an alias"
    }
  }

  /// The value as far as it fits in a message.
  fileprivate var inWords: String {
    guard case .sequence = self else { return String(kindInWords.prefix(80)) }
    return "the list " + flowText(atLeast: 80).prefix(80)
  }

  /// The value in one line, or so much of it: lists of one list over and over can be short to write and endless to read.
  private func flowText(atLeast length: Int) -> String {
    switch self {
    case .sequence(let sequence):
      var text = "["
      for (number, node) in sequence.enumerated() {
        guard text.utf8.count < length else { return text }
        text += (number == 0 ? "" : ", ") + node.flowText(atLeast: length - text.utf8.count)
      }
      return text + "]"
    case .scalar(let scalar): return scalar.string
    default: return kindInWords
    }
  }
}
