import Diagnosis
import MessagePassing

/// A source of tags, opened, and the rule by which its records are joined.
package struct OpenedTags {
  package var tags: any SongTags
  /// Nil where the tags stand in the track files.
  package var join: JoinRule?
  /// What the user should know of the choice.
  package var note: String?

  /// Opens a source of tags: a folder as a tree, a file by its content. Collective.
  /// - Parameters:
  ///   - lastFM: where the Last.fm data set is; nil where tags are in the track files.
  ///   - wanted: the rule that is asked for; nil: the strictest that the source allows.
  /// - Throws: `missingInput` and `badData` for the source, `usage` for a join that it cannot do.
  package init(
    _ source: TagSource, lastFM: String?, join wanted: JoinRule?, communicator: any Communicator
  ) throws {
    guard let path = lastFM, source == .lastFM else {
      tags = TrackFileTags()
      return
    }
    guard try communicator.agree({ LastFMDatabase.isDatabase(path) }) else {
      tags = try LastFMTree(discoveredAt: path, communicator: communicator)
      join = wanted ?? .paper
      return
    }
    if let rule = wanted, rule != .trackID {
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
    if wanted == nil {
      note = "joined by track id alone: \(path) is a database, which tells neither titles nor artists"
    }
  }
}
