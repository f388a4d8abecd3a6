import Diagnosis
import FileAccess
import Tags
import Texts

/// The lists that stand beside a snapshot: files left out with their causes, and songs that did not join. They are
/// written as they come, a million lines as well; rank 0 does it.
final class PreparationLists {
  /// The lists, by the ends of their names.
  enum Kind: String, CaseIterable {
    case skipped, mismatches

    func path(_ start: String) -> String { "\(start).\(rawValue).tsv" }

    /// The first line of each.
    fileprivate var header: String { self == .mismatches ? Mismatch.header : "" }

    /// Whether the file at a path is such a list: of the skipped, whether its first line has two fields. Throws
    /// `missingInput` where it cannot be read.
    func isAt(_ path: String) throws -> Bool {
      let start: [UInt8]
      do {
        start = try readStart(of: path, count: 64 << 10)
      } catch {
        throw Failure(.missingInput, "\(path): \(error)")
      }
      if self == .mismatches { return start.starts(with: Array(header.utf8)) }
      let line = start.prefix { $0 != UInt8(ascii: "\n") }
      return line.split(separator: UInt8(ascii: "\t"), omittingEmptySubsequences: false).count == 2
    }
  }

  private let skipped: ListFile
  private let mismatches: ListFile

  /// Lists `path.skipped.tsv` and `path.mismatches.tsv`, which appear when they are complete.
  init(_ path: String) {
    skipped = ListFile(Kind.skipped.path(path))
    mismatches = ListFile(Kind.mismatches.path(path), header: Kind.mismatches.header)
  }

  func add(_ tally: SongTally) throws {
    try skipped.append(tally.skipped.map { TabSeparated.line([$0.path, $0.cause]) })
    try mismatches.append(tally.mismatches.map(\.line))
  }

  /// Puts the lists in place. One without a line is removed, so that none of an earlier run is left.
  func finish() throws {
    try skipped.finish()
    try mismatches.finish()
  }
}

/// A list that is on the disk from its first line on.
private final class ListFile {
  private let file: AtomicFile
  private let header: String
  private var lines: AppendedFile?

  init(_ path: String, header: String = "") {
    file = AtomicFile(path)
    self.header = header
  }

  deinit { if lines != nil { file.discard() } }

  func append(_ more: [String]) throws {
    guard !more.isEmpty else { return }
    if lines == nil {
      lines = try AppendedFile(file.temporaryPath, isNew: true)
      try lines?.append(Array(header.utf8))
    }
    try lines?.append(Array(more.joined().utf8))
  }

  func finish() throws {
    guard lines != nil else { return removeFile(file.path) }
    lines = nil
    try file.commit()
  }
}
