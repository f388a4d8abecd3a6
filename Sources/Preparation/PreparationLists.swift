import FileAccess
import Tags
import Texts

/// The lists that stand beside a snapshot: files left out with their causes, and songs that did not join. They are
/// written as they come, a million lines as well; rank 0 does it.
final class PreparationLists {
  private let skipped: ListFile
  private let mismatches: ListFile

  /// Lists `path.skipped.tsv` and `path.mismatches.tsv`, which appear when they are complete.
  init(_ path: String) {
    skipped = ListFile(path + ".skipped.tsv")
    mismatches = ListFile(path + ".mismatches.tsv", header: Mismatch.header)
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
