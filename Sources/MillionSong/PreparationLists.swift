import FileAccess

/// The lists that stand beside a snapshot: files left out with their causes, and songs that did not join.
struct PreparationLists {
  let skipped: String
  let mismatches: String

  init(skipped: [SkippedFile], mismatches: [Mismatch]) {
    self.skipped = skipped.map { TabSeparated.line([$0.path, $0.cause]) }.joined()
    self.mismatches = mismatches.isEmpty ? "" : Mismatch.header + mismatches.map(\.line).joined()
  }

  /// Writes `path.skipped.tsv` and `path.mismatches.tsv`; a list without a line is removed, so that none of an
  /// earlier run is left.
  func write(to path: String) throws {
    for (name, text) in [("skipped", skipped), ("mismatches", mismatches)] {
      let list = "\(path).\(name).tsv"
      if text.isEmpty { removeFile(list) } else { try replaceFile(list, with: text) }
    }
  }
}
