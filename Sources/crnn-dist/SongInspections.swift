import Diagnosis
import MessagePassing
import MillionSong

/// A track file.
struct TrackInspection: Inspection {
  let kind = "track"
  let trackID: String
  let title: String
  let artistName: String
  let artistID: String
  let segments: Int

  enum CodingKeys: String, CodingKey {
    case kind
    case trackID = "track_id"
    case title
    case artistName = "artist_name"
    case artistID = "artist_id"
    case segments
  }

  /// How many songs a file holds; nil where it holds one.
  static func songs(in path: String) throws -> Int? {
    do {
      let stream = TrackStream(TrackReader(segments: 0))
      stream.add([path])
      guard case .aggregate(let songs) = try stream.next() else { return nil }
      return songs
    } catch {
      throw error.failure
    }
  }

  init(_ path: String) throws {
    do {
      let stream = TrackStream(TrackReader(segments: nil))
      stream.add([path])
      let track = try stream.nextSong()
      trackID = track.trackID
      title = track.title
      artistName = track.artistName
      artistID = track.artistID
      segments = track.segmentCount
    } catch {
      throw error.failure
    }
  }

  var text: String {
    table([
      ("a track file", ""), ("track id", trackID), ("title", title), ("artist", "\(artistName) (\(artistID))"),
      ("segments", "\(segments)"),
    ])
  }
}

/// A Last.fm record.
struct RecordInspection: Inspection {
  struct Tag: Encodable {
    let name: String
    let weight: Double
  }

  let kind = "lastfm_record"
  let trackID: String
  let title: String
  let artist: String
  let tags: [Tag]

  enum CodingKeys: String, CodingKey {
    case kind
    case trackID = "track_id"
    case title, artist, tags
  }

  init(_ path: String) throws {
    do {
      let record = try LastFMRecord.read(path)
      trackID = record.trackID
      title = record.title
      artist = record.artist
      tags = record.tags.map { Tag(name: $0.name, weight: $0.weight) }
    } catch {
      throw error.failure
    }
  }

  var text: String {
    table(
      [
        ("a Last.fm record", ""), ("track id", trackID), ("title", title), ("artist", artist),
        ("tags", "\(tags.count)"),
      ] + tags.map { ("  \($0.name)", "\(Int($0.weight))") })
  }
}

/// A folder of track files, of Last.fm records, or of both.
struct TreeInspection: Inspection {
  let kind: String
  let tracks: Int
  let records: Int
  /// The first file by name.
  let example: String

  /// Collective.
  init(_ path: String, _ communicator: any Communicator) throws {
    let tracks = try FileTree.discover(
      root: path, suffix: ".h5", purpose: "folder", communicator: communicator)
    let records = try FileTree.discover(
      root: path, suffix: ".json", purpose: "folder", communicator: communicator)
    guard tracks.count + records.count > 0 else {
      throw Failure(.badData, "\(path): an empty tree: found no .h5 and no .json file in it").knownToAllRanks
    }
    self.tracks = tracks.count
    self.records = records.count
    kind = records.count == 0 ? "track_tree" : tracks.count == 0 ? "lastfm_tree" : "tree"
    example = tracks.count > 0 ? tracks.path(0) : records.path(0)
  }

  var text: String {
    table([
      (kind == "track_tree" ? "a track tree" : kind == "lastfm_tree" ? "a Last.fm tree" : "a tree", ""),
      ("track files", "\(tracks)"), ("Last.fm records", "\(records)"), ("first file", example),
    ])
  }
}
