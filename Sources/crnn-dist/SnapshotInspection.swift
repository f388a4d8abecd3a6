import MillionSong

/// A snapshot.
struct SnapshotInspection: Inspection {
  let kind = "snapshot"
  let songs: Int
  let segments: Int
  let tags: [String]
  /// Songs with each tag, in the order of the tags.
  let songsByTag: [Int]
  let artists: Int
  let funnel: Funnel
  let counts: SongCounts
  let encoding: PitchEncoding
  let identity: String
  let options: SnapshotRecord.Options
  let programVersion: String

  enum CodingKeys: String, CodingKey {
    case kind, songs, segments, tags
    case songsByTag = "songs_by_tag"
    case artists, funnel, counts
    case encoding = "pitch_encoding"
    case identity, options
    case programVersion = "program_version"
  }

  init(_ snapshot: Snapshot) throws {
    songs = snapshot.songCount
    segments = snapshot.segments
    tags = snapshot.tags
    var songsByTag = [Int](repeating: 0, count: snapshot.tags.count)
    for (index, label) in snapshot.labels.enumerated() { songsByTag[index % snapshot.tags.count] += Int(label) }
    self.songsByTag = songsByTag
    artists = Set(snapshot.artistIDs).count
    funnel = snapshot.funnel
    counts = snapshot.record.counts
    encoding = snapshot.encoding
    identity = snapshot.identity
    options = snapshot.record.options
    programVersion = snapshot.programVersion
  }

  private var tagsFrom: String {
    guard let lastfm = options.lastfm, let join = options.join else {
      return "\(options.tagSource.rawValue) of the tracks"
    }
    return "\(lastfm), joined by \(join.rawValue)"
  }

  var text: String {
    let facts = table([
      ("a snapshot", "made by crnn-dist \(programVersion)"), ("songs", "\(songs) of \(artists) artists"),
      ("segments", "\(segments) of each song"), ("pitches", "kept as \(encoding.rawValue)"),
      ("tracks from", options.msd), ("tags from", "\(tagsFrom), from weight \(options.minTagWeight) on"),
      ("vocabulary", "\(options.tags), \(tags.count) tags"), ("identity", identity),
    ])
    let tagLines = zip(tags, songsByTag).sorted { $0.1 > $1.1 }
      .map { "  \($0.0): \($0.1)" }.joined(separator: "\n")
    return "\(facts)\n\n\(funnel.table())\n\nsongs with each tag\n\(tagLines)"
  }
}
