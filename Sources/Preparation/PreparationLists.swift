import Tags

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
      let start = try ListFile.start(of: path)
      return self == .mismatches ? start.starts(with: Array(header.utf8)) : ListFile.isOfSkipped(start)
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
    try skipped.append(tally.skipped.map { ListFile.skippedLine($0.path, $0.cause) })
    try mismatches.append(tally.mismatches.map(\.line))
  }

  /// Puts the lists in place.
  func finish() throws {
    try skipped.finish()
    try mismatches.finish()
  }
}
