import Diagnosis
import Foundation

/// One JSON object on one line, its fields in the order they were given.
public struct JSONLine {
  private var fields: [String] = []

  public init() {}

  public mutating func add(_ key: String, _ value: Int?) { append(key, value.map { "\($0)" } ?? "null") }

  /// Numbers that JSON cannot say (infinite, undefined, missing) become null.
  public mutating func add(_ key: String, _ value: Double?) {
    append(key, value.flatMap { $0.isFinite ? "\($0)" : nil } ?? "null")
  }

  public mutating func add(_ key: String, _ value: String?) {
    append(key, value.map(Self.quoted) ?? "null")
  }

  /// Without a line break.
  public var text: String { "{" + fields.joined(separator: ", ") + "}" }

  private mutating func append(_ key: String, _ json: String) { fields.append("\(Self.quoted(key)): \(json)") }

  private static func quoted(_ text: String) -> String {
    var quoted = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": quoted += "\\\""
      case "\\": quoted += "\\\\"
      case "\n": quoted += "\\n"
      case _ where scalar.value < 0x20:
        quoted += "\\u" + String(scalar.value, radix: 16).leftPadded(to: 4, with: "0")
      default: quoted.unicodeScalars.append(scalar)
      }
    }
    return quoted + "\""
  }
}
