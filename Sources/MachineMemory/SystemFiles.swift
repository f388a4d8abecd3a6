import Foundation

/// The kernel's files, such as `/proc/meminfo`; a test puts a folder of its own in the place of the root.
public struct SystemFiles: Sendable {
  private let root: String

  /// - Parameter root: the folder that `/` stands for.
  public init(root: String = "") { self.root = root }

  /// A file's text; nil where there is none that can be read.
  func text(_ path: String) -> String? { try? String(contentsOfFile: root + path, encoding: .utf8) }

  /// A file that holds one number; nil for any other, such as the `max` of a control group without a limit.
  func number(_ path: String) -> Int? {
    text(path).flatMap { Int($0.trimmingCharacters(in: .whitespacesAndNewlines)) }
  }

  /// The bytes that a line such as `MemAvailable:  123 kB` tells.
  func kilobytes(_ field: String, in path: String) -> Int? {
    fields(path)[field + ":"].map { $0 << 10 }
  }

  /// The numbers of a file whose lines begin with a name and a number.
  func fields(_ path: String) -> [String: Int] {
    var fields: [String: Int] = [:]
    for line in (text(path) ?? "").split(separator: "\n") {
      let words = line.split(whereSeparator: \.isWhitespace)
      if words.count >= 2, let number = Int(words[1]) { fields[String(words[0])] = number }
    }
    return fields
  }

  /// What tells a folder from all others of a machine, also where two processes see unlike ones under one name.
  func identity(ofFolder path: String) -> String {
    let attributes = try? FileManager.default.attributesOfItem(atPath: root + path)
    let number = (attributes?[.systemFileNumber] as? NSNumber)?.stringValue ?? "unknown"
    return "\(path) (inode \(number))"
  }
}
