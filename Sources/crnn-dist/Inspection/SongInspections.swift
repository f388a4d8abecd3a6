import Diagnosis
import Tags
import TrackFiles

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
    let reading = TrackStream.read(SongLocation(path), by: TrackReader(segments: 0))
    guard case .aggregate(let songs) = try reading.result.mapError(\.failure).get() else { return nil }
    return songs
  }

  init(_ path: String) throws {
    let reading = TrackStream.read(SongLocation(path), by: TrackReader(segments: nil))
    let track = try reading.song.mapError(\.failure).get()
    trackID = track.trackID
    title = track.title
    artistName = track.artistName
    artistID = track.artistID
    segments = track.segmentCount
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
