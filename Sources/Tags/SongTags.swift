import FileTrees
import TrackFiles

/// What a source of tags says of one track.
public struct TagRecord: Equatable, Sendable {
  public var trackID: String
  /// Nil where the source tells no titles.
  public var title: String?
  /// Nil where the source tells no artists.
  public var artist: String?
  public var tags: [WeightedTag]

  public init(trackID: String, title: String? = nil, artist: String? = nil, tags: [WeightedTag]) {
    self.trackID = trackID
    self.title = title
    self.artist = artist
    self.tags = tags
  }
}

/// A source of songs' tags.
package protocol SongTags {
  /// What it says of each of some tracks.
  func records(of tracks: [Track]) -> [TagLookup]
}

/// What came of looking up a track in a source of tags.
package enum TagLookup {
  case none
  case bad(SkippedFile)
  case found(TagRecord)
}
