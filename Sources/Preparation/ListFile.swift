import Diagnosis
import FileAccess
import Texts

/// A list that is on the disk from its first line on.
package final class ListFile {
  private let file: AtomicFile
  private let header: String
  private var lines: AppendedFile?

  package init(_ path: String, header: String = "") {
    file = AtomicFile(path)
    self.header = header
  }

  deinit { if lines != nil { file.discard() } }

  package func append(_ more: [String]) throws {
    guard !more.isEmpty else { return }
    if lines == nil {
      lines = try AppendedFile(file.temporaryPath, isNew: true)
      try lines?.append(Array(header.utf8))
    }
    try lines?.append(Array(more.joined().utf8))
  }

  /// Puts the list in place; one without a line is removed, so that none of an earlier run is left.
  package func finish() throws {
    guard lines != nil else { return removeFile(file.path) }
    lines = nil
    try file.commit()
  }

  // MARK: - What may be replaced

  /// A line of a list of what was skipped: where it is, and why.
  package static func skippedLine(_ place: String, _ cause: String) -> String {
    TabSeparated.line([place, cause])
  }

  /// Whether a list of what was skipped stands at a path: its first line has two fields.
  /// - Throws: `missingInput` where it cannot be read.
  package static func isOfSkipped(at path: String) throws -> Bool { isOfSkipped(try start(of: path)) }

  static func isOfSkipped(_ start: [UInt8]) -> Bool {
    let line = start.prefix { $0 != UInt8(ascii: "\n") }
    return line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).count == 2
  }

  /// As much of a list as tells what it is.
  /// - Throws: `missingInput` where it cannot be read.
  static func start(of path: String) throws -> [UInt8] {
    do {
      return try readStart(of: path, count: 64 << 10)
    } catch {
      throw Failure(.missingInput, "\(path): \(error)")
    }
  }
}
