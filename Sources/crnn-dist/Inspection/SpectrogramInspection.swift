import Spectrograms

/// A file of spectrograms.
struct SpectrogramInspection: Inspection {
  let kind = "spectrograms"
  let songs: Int
  let bands: Int
  let frames: Int
  let precision: String
  let tags: [String]
  /// Songs with each tag, in the order of the tags.
  let songsByTag: [Int]
  /// Nil where the file tells none.
  let artists: Int?
  let identity: String

  enum CodingKeys: String, CodingKey {
    case kind, songs, bands, frames, precision, tags
    case songsByTag = "songs_by_tag"
    case artists, identity
  }

  init(_ file: SpectrogramFile) {
    songs = file.songs
    bands = file.bands
    frames = file.frames
    precision = file.isHalf ? "float16" : "float32"
    tags = file.tags
    var songsByTag = [Int](repeating: 0, count: file.tags.count)
    for (index, label) in file.labels.enumerated() { songsByTag[index % file.tags.count] += Int(label) }
    self.songsByTag = songsByTag
    artists = file.artists.map { Set($0).count }
    identity = file.identity
  }

  var text: String {
    let facts = table([
      (
        "a file of spectrograms",
        "\(bands) bands, \(frames) frames, \(precision); the values themselves are not read"
      ),
      ("songs", artists.map { "\(songs) of \($0) artists" } ?? "\(songs), artists unknown"),
      ("tags", "\(tags.count)"), ("identity", identity),
    ])
    let tagLines = zip(tags, songsByTag).sorted { $0.1 > $1.1 }
      .map { "  \($0.0.withVisibleControls): \($0.1)" }.joined(separator: "\n")
    return "\(facts)\n\nsongs with each tag\n\(tagLines)"
  }
}
