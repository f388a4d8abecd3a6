import FileTrees

/// Files that could not be read, with their causes, as `inspect` tells them: some on the screen, all in JSON.
struct SkippedDisplay: Encodable {
  private struct Row: Encodable {
    let path, cause: String
  }

  private let skipped: [SkippedFile]
  /// How many there are; more than are named, perhaps.
  private let count: Int

  /// Files told on the screen.
  private static let mostShown = 10

  init(_ skipped: [SkippedFile], count: Int) {
    self.skipped = skipped
    self.count = count
  }

  func encode(to encoder: any Encoder) throws {
    try skipped.map { Row(path: $0.path, cause: $0.cause) }.encode(to: encoder)
  }

  /// A line for each of the first; where that is not all, one that says what tells the rest.
  func lines(rest: String) -> [String] {
    let shown = skipped.prefix(Self.mostShown).map { "  \($0)".withVisibleControls }
    let more = count - shown.count
    return shown + (more > 0 ? ["  and \(more) more, which \(rest)"] : [])
  }
}
