import FileAccess
import Texts

/// Songs with their tags as a table with commas (RFC 4180): what each song is, its tags, and the probability of every
/// tag in a column of its own.
final class TagTable: TagWriter {
  private let file: AppendedFile
  private let contents: TagFileContents

  private static let columns = ["file", "row", "track_id", "title", "artist_name", "skipped", "tags"]
  /// How every such table begins.
  static let start = columns.joined(separator: ",") + ","
  private static let separator = "; "

  init(_ path: String, _ contents: TagFileContents) throws {
    file = try AppendedFile(path, isNew: true)
    self.contents = contents
    let embedding = (0..<contents.embeddingWidth).map { "embedding_\($0)" }
    try file.append(Array(CommaSeparated.line(Self.columns + contents.tags + embedding).utf8))
  }

  func add(_ outcomes: [Prediction.Outcome]) throws {
    var text = ""
    for outcome in outcomes where outcome.isOfSong { text += line(outcome) }
    try file.append(Array(text.utf8))
  }

  private func line(_ outcome: Prediction.Outcome) -> String {
    let tags = contents.choice.tags(outcome.probabilities, of: contents.model).map(\.tag)
    var fields = [
      outcome.path, outcome.row.map(String.init) ?? "", outcome.trackID ?? "", outcome.title ?? "",
      outcome.artistName ?? "", outcome.problem?.cause ?? "", tags.joined(separator: Self.separator),
    ]
    let isJudged = outcome.problem == nil
    fields += isJudged ? outcome.probabilities.map { "\($0)" } : contents.tags.map { _ in "" }
    fields += isJudged ? outcome.embedding.map { "\($0)" } : (0..<contents.embeddingWidth).map { _ in "" }
    return CommaSeparated.line(fields)
  }

  func finish() throws {}
}
