import Diagnosis
import FileAccess
import MessagePassing
import MillionSong

/// A track file with many songs.
struct AggregateInspection: Inspection {
  let kind = "aggregate"
  let songs: Int
  /// Its first song that can be read.
  let trackID: String
  let title: String
  let artistName: String

  enum CodingKeys: String, CodingKey {
    case kind, songs
    case trackID = "track_id"
    case title
    case artistName = "artist_name"
  }

  /// Songs looked at for one that can be read.
  private static let tries = 100

  init(_ path: String, songs: Int) throws {
    self.songs = songs
    let stream = TrackStream(TrackReader(segments: 0))
    let rows = 0..<min(songs, Self.tries)
    stream.add(rows.lazy.map { SongLocation(path, row: $0) })
    var first: SkippedFile?
    for _ in rows {
      do {
        let track = try stream.nextSong()
        (trackID, title, artistName) = (track.trackID, track.title, track.artistName)
        return
      } catch {
        first = first ?? error
      }
    }
    throw first?.failure ?? Failure(.badData, "\(path): there is no song in it")
  }

  var text: String {
    table([
      ("a track file of many songs", ""), ("songs", "\(songs)"),
      ("first song", "\(trackID), \(artistName) – \(title)"),
    ])
  }
}

/// A text file that names track files.
struct ListInspection: Inspection {
  let kind = "track_list"
  /// Track files that it names, itself or by their folders.
  let tracks: Int
  /// Of these: not there.
  let missing: Int
  /// The first by name.
  let example: String

  enum CodingKeys: String, CodingKey {
    case kind, tracks, missing, example
  }

  /// Collective.
  init(_ path: String, _ communicator: any Communicator) throws {
    let files = try TrackFiles.discover(path, communicator: communicator)
    let missing = try communicator.broadcast {
      (0..<files.count).count { (try? PathKind(of: files.path($0))) == nil }
    }
    guard missing < files.count else {
      throw Failure(
        .badData, "\(path): neither an HDF5 file nor a list of track files: there is no \(files.path(0))"
      ).knownToAllRanks
    }
    tracks = files.count
    self.missing = missing
    example = files.path(0)
  }

  var text: String {
    table([
      ("a list of track files", ""), ("track files", "\(tracks)"), ("of these not there", "\(missing)"),
      ("first file", example),
    ])
  }
}

/// Last.fm's tags as one SQLite file.
struct DatabaseInspection: Inspection {
  let kind = "lastfm_database"
  let tracks: Int
  let tags: Int
  /// Pairs of a track and a tag.
  let pairs: Int

  init(_ path: String) throws { (tracks, tags, pairs) = try LastFMDatabase(path).counts() }

  var text: String {
    table([
      ("a database of Last.fm tags", ""), ("tracks", "\(tracks)"), ("different tags", "\(tags)"),
      ("tags of tracks", "\(pairs)"),
    ])
  }
}
