import Texts

/// A track and the Last.fm record of its id that are not the same song by the join rule.
public struct Mismatch: Equatable, Sendable {
  public enum Field: String, Sendable {
    case trackID = "track_id"
    case artist
    case title
  }

  public var trackID: String
  /// The first field that differs.
  public var field: Field
  public var trackArtist: String
  public var recordArtist: String
  public var trackTitle: String
  public var recordTitle: String

  /// Column names of the table of mismatches.
  package static let header = TabSeparated.line([
    "track_id", "differs_in", "track_artist", "lastfm_artist", "track_title", "lastfm_title",
  ])

  package var line: String {
    TabSeparated.line([trackID, field.rawValue, trackArtist, recordArtist, trackTitle, recordTitle])
  }
}

extension Mismatch {
  package func write(to message: inout PackedWriter) {
    for text in [trackID, field.rawValue, trackArtist, recordArtist, trackTitle, recordTitle] {
      message.write(text)
    }
  }

  package init(from message: inout PackedReader) throws {
    self.init(
      trackID: try message.readText(), field: Field(rawValue: try message.readText()) ?? .trackID,
      trackArtist: try message.readText(), recordArtist: try message.readText(),
      trackTitle: try message.readText(),
      recordTitle: try message.readText())
  }
}
