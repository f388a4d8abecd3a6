import Diagnosis
import TrackFiles

/// Where songs' tags are taken from.
public enum TagSource: String, Sendable, Codable, CaseIterable {
  /// The Last.fm data set: a tree of JSON files or `lastfm_tags.db`. Weights are 0 to 100.
  case lastFM = "lastfm"
  /// The Echo Nest's terms for the artist, in the track file: `/metadata/artist_terms`. Weights are 0 to 1.
  case artistTerms = "artist-terms"
  /// MusicBrainz's tags of the artist, in the track file: `/musicbrainz/artist_mbtags`. Weights are how many people
  /// gave the tag.
  case artistMBTags = "artist-mbtags"

  /// Whether a song's tags stand in its own file, so that there is nothing to join.
  public var isInTrackFiles: Bool { self != .lastFM }

  /// What is read of track files.
  package var artistTags: ArtistTags? {
    switch self {
    case .lastFM: nil
    case .artistTerms: .terms
    case .artistMBTags: .musicBrainz
    }
  }

  /// Throws `usage` where the source of tags does not fit what else is said of tags.
  public func check(lastFM: String?, join: JoinRule?) throws {
    if self == .lastFM {
      guard lastFM == nil else { return }
      throw Failure(
        .usage, "--lastfm PATH is missing, where the songs' tags are",
        remedy: "or --tag-source artist-terms or artist-mbtags, which stand in the track files"
      ).knownToAllRanks
    }
    for (option, value) in [("--lastfm", lastFM), ("--join", join?.rawValue)] {
      guard let value else { continue }
      throw Failure(
        .usage, "\(option) \(value) is of no use with --tag-source \(rawValue)",
        remedy: "those tags stand in the track files: leave out \(option)"
      ).knownToAllRanks
    }
  }
}

/// The tags that track files hold themselves.
struct TrackFileTags: SongTags {
  func records(of tracks: [Track]) -> [TagLookup] {
    tracks.map { .found(TagRecord(trackID: $0.trackID, tags: $0.artistTags ?? [])) }
  }
}
