import Diagnosis
import MessagePassing

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
}

/// The tags that track files hold themselves.
struct TrackFileTags: SongTags {
  func records(of tracks: [Track]) -> [TagLookup] {
    tracks.map { .found(TagRecord(trackID: $0.trackID, tags: $0.artistTags ?? [])) }
  }
}

/// A source of tags, opened, and the rule by which its records are joined.
struct OpenedTags {
  var tags: any SongTags
  /// Nil where the tags stand in the track files.
  var join: JoinRule?
  /// What the user should know of the choice.
  var note: String?

  /// Opens what the options name: a folder as a tree, a file by its content. Collective.
  /// - Throws: `missingInput` and `badData` for the source, `usage` for a join that it cannot do.
  init(_ options: PreparationOptions, communicator: any Communicator) throws {
    guard let path = options.lastFMTags, options.tagSource == .lastFM else {
      tags = TrackFileTags()
      return
    }
    guard try communicator.agree({ LastFMDatabase.isDatabase(path) }) else {
      tags = try LastFMTree(discoveredAt: path, communicator: communicator)
      join = options.join ?? .paper
      return
    }
    if let rule = options.join, rule != .trackID {
      throw Failure(
        .usage,
        "--join \(rule.rawValue): \(path) is a database, which tells neither titles nor artists to compare",
        remedy: "--join track-id, or --lastfm with the tree of JSON files"
      ).knownToAllRanks
    }
    let database = try communicator.agree { try LastFMDatabase(path) }
    let warning = try communicator.agree { try database.makeUpForIndexes() }
    // At once: the hour in which it would have been of use comes now.
    if let warning, communicator.isRoot { StallWatch.toStandardError("crnn-dist: warning: \(warning)") }
    tags = database
    join = .trackID
    if options.join == nil {
      note = "joined by track id alone: \(path) is a database, which tells neither titles nor artists"
    }
  }
}
