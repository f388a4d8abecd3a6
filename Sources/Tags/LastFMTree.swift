import Diagnosis
import FileTrees
import MessagePassing
import TrackFiles

/// The Last.fm data set as a tree of one JSON file a track, `A/B/C/TR….json` or any other depth.
///
/// All ranks list the tree together once, so a record is found wherever it lies, and a track without one costs
/// no look at the disk.
///
///     let tree = try LastFMTree(discoveredAt: "lastfm_train", communicator: communicator)
///     let path = tree.path(of: "TRAAABD128F429CF47")
public struct LastFMTree: Sendable {
  public let tree: FileTree

  /// Finds the records below a folder. Collective.
  /// - Throws: `missingInput` where there is no such tree, `badData` where it holds no JSON file.
  public init(discoveredAt root: String, communicator: any Communicator) throws {
    tree = try FileTree.discover(
      root: root, suffix: ".json", purpose: "Last.fm tree", communicator: communicator)
    guard tree.count > 0 else {
      throw Failure(
        .badData, "\(root): an empty Last.fm tree: found no .json file in it",
        remedy: "it should hold files like A/A/A/TRAAABD128F429CF47.json"
      ).knownToAllRanks
    }
  }

  /// Records that are found already.
  public init(_ tree: FileTree) { self.tree = tree }

  /// The path of a track's record, or nil where it has none; of several, the first by path.
  public func path(of trackID: String) -> String? {
    tree.paths.firstIndex(named: trackID + ".json").map(tree.path)
  }
}

extension LastFMTree: SongTags {
  package func records(of tracks: [Track]) -> [TagLookup] {
    tracks.map { track in
      guard let path = path(of: track.trackID) else { return .none }
      return LastFMTree.lookup(path)
    }
  }

  private static func lookup(_ path: String) -> TagLookup {
    do {
      let record = try LastFMRecord.read(path)
      return .found(
        TagRecord(trackID: record.trackID, title: record.title, artist: record.artist, tags: record.tags))
    } catch {
      return .bad(error)
    }
  }
}
