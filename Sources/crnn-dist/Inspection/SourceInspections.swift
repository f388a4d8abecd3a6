import Diagnosis
import FileAccess
import FileTrees
import MessagePassing
import Sampling
import Tags
import TrackFiles

/// A folder of track files, of Last.fm records, or of both.
struct TreeInspection: Inspection {
  private let kind: String
  private let tracks: Int
  private let records: Int
  /// The first file by name.
  private let example: String
  private let songs: SongsRead?
  private let tags: TagsRead?

  /// Collective.
  init(_ path: String, _ reading: SongReading, top: Int) throws {
    let communicator = reading.communicator
    let tracks = try FileTree.discover(root: path, suffix: ".h5", purpose: "folder", communicator: communicator)
    let records = try FileTree.discover(root: path, suffix: ".json", purpose: "folder", communicator: communicator)
    guard tracks.count + records.count > 0 else {
      throw Failure(.badData, "\(path): an empty tree: found no .h5 and no .json file in it").knownToAllRanks
    }
    self.tracks = tracks.count
    self.records = records.count
    kind = records.count == 0 ? "track_tree" : tracks.count == 0 ? "lastfm_tree" : "tree"
    example = tracks.count > 0 ? tracks.path(0) : records.path(0)
    if tracks.count == 0, reading.options.hasTags || reading.lists != nil {
      throw Failure(
        .badData,
        "\(path): a Last.fm tree: there is no song in it to \(reading.lists == nil ? "join with tags" : "list")"
      ).knownToAllRanks
    }
    songs = tracks.count > 0 ? try reading.songs(of: tracks) : nil
    tags =
      records.count == 0 || reading.isQuick ? nil : try TagsRead(path, LastFMTree(records), reading, top: top)
  }

  private enum Key: CodingKey { case kind, tracks, records, example }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode(kind, forKey: .kind)
    try document.encode(tracks, forKey: .tracks)
    try document.encode(records, forKey: .records)
    try document.encode(example, forKey: .example)
    try songs?.encode(to: encoder)
    try tags?.encode(to: encoder)
  }

  var text: String {
    let counts = [("track files", tracks), ("Last.fm records", records)].filter { $0.1 > 0 }
    let facts = table(
      [(kind == "track_tree" ? "a track tree" : kind == "lastfm_tree" ? "a Last.fm tree" : "a tree", "")]
        + counts.map { ($0.0, "\($0.1)") } + [("first file", example)] + (songs?.facts ?? []))
    return [facts, songs?.text ?? "", tags?.text ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  func check() throws {
    try songs?.check()
    if songs == nil { try tags?.check() }
  }
}

/// A track file with many songs.
struct AggregateInspection: Inspection {
  private let songs: Int
  /// Its first song that can be read; nil where none of the first can.
  private let first: Track?
  private let read: SongsRead?

  /// Songs looked at for one that can be read.
  private static let tries = 100

  /// Collective.
  init(_ path: String, _ reading: SongReading) throws {
    let communicator = reading.communicator
    songs = try communicator.broadcast { try TrackInspection.songs(in: path) ?? 1 }
    first = communicator.isRoot ? Self.firstSong(of: path, songs) : nil
    read = try reading.songs()
  }

  private static func firstSong(of path: String, _ songs: Int) -> Track? {
    let stream = TrackStream(TrackReader(segments: 0))
    let rows = 0..<min(songs, tries)
    stream.add(rows.lazy.map { SongLocation(path, row: $0) })
    for reading in stream { if case .success(let track) = reading.song { return track } }
    return nil
  }

  private enum Key: String, CodingKey {
    case kind, rows, songs
    case trackID = "track_id"
    case title
    case artistName = "artist_name"
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode("aggregate", forKey: .kind)
    try document.encode(songs, forKey: .rows)
    try document.encode(songs, forKey: .songs)
    try document.encodeIfPresent(first?.trackID, forKey: .trackID)
    try document.encodeIfPresent(first?.title, forKey: .title)
    try document.encodeIfPresent(first?.artistName, forKey: .artistName)
    // After a reading, songs are those that could be read.
    try read?.encode(to: encoder)
  }

  var text: String {
    var facts = [("a track file of many songs", ""), ("songs", "\(songs)")]
    if let first { facts.append(("first song", "\(first.trackID), \(first.artistName) – \(first.title)")) }
    return [table(facts + (read?.facts ?? [])), read?.text ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  func check() throws { try read?.check() }
}

/// A text file that names track files.
struct ListInspection: Inspection {
  /// Track files that it names, itself or by their folders.
  private let tracks: Int
  /// Of these: not there.
  private let missing: Int
  /// The first by name.
  private let example: String
  private let songs: SongsRead?

  /// Collective.
  init(_ path: String, _ reading: SongReading) throws {
    let communicator = reading.communicator
    let files = try TrackFileSearch.discover(path, communicator: communicator)
    let own = share(of: 0..<files.count, rank: communicator.rank, size: communicator.size)
    missing = try communicator.allreduce(own.count { (try? PathKind(of: files.path($0))) == nil }, .sum)
    guard missing < files.count else {
      throw Failure(
        .badData, "\(path): neither an HDF5 file nor a list of track files: there is no \(files.path(0))"
      ).knownToAllRanks
    }
    tracks = files.count
    example = files.path(0)
    songs = try reading.songs(of: files)
  }

  private enum Key: CodingKey { case kind, tracks, missing, example }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode("track_list", forKey: .kind)
    try document.encode(tracks, forKey: .tracks)
    try document.encode(missing, forKey: .missing)
    try document.encode(example, forKey: .example)
    try songs?.encode(to: encoder)
  }

  var text: String {
    let facts = table(
      [
        ("a list of track files", ""), ("track files", "\(tracks)"), ("of these not there", "\(missing)"),
        ("first file", example),
      ] + (songs?.facts ?? []))
    return [facts, songs?.text ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  func check() throws { try songs?.check() }
}
