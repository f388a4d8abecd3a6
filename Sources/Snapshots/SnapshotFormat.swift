import Segments
import Splits

/// Names and version of the snapshot's parts; docs/formats.md describes them.
enum SnapshotFormat {
  static let name = "crnn-dist snapshot"
  static let version: Int32 = 2

  enum Attribute {
    static let format = "format"
    static let version = "format_version"
    static let program = "program_version"
    static let identity = "identity"
    static let songs = "songs"
    static let segments = "segments"
    static let features = "features"
    static let counts = "counts"
    static let options = "options"

    static func encoding(_ feature: Feature) -> String { feature.rawValue + "_encoding" }
  }

  enum Path {
    static let starts = "songs/start"
    static let trackIDs = "songs/track_id"
    static let titles = "songs/title"
    static let artistNames = "songs/artist_name"
    static let artistIDs = "songs/artist_id"
    static let segmentCounts = "songs/segment_count"
    static let labels = "songs/labels"
    static let sides = "songs/side"
    static let tagNames = "tags/names"
    static let standardization = "standardization"
    static let distribution = "distribution"
    static let terms = "terms"
    static let termNames = "terms/names"
    static let termStarts = "songs/term_start"
    static let termNumbers = "songs/term"
    static let termWeights = "songs/term_weight"

    static func values(_ feature: Feature) -> String { "songs/" + feature.rawValue }
    static func values(_ feature: SongFeature) -> String { "songs/" + feature.rawValue }
    static func mean(_ feature: Feature) -> String { "\(standardization)/\(feature.rawValue)_mean" }
    static func deviation(_ feature: Feature) -> String { "\(standardization)/\(feature.rawValue)_deviation" }
  }

  /// A song's side as the file has it.
  static func code(of side: SongSide?) -> UInt8 { side.map { UInt8($0.rawValue) } ?? codeOfNoSide }

  private static let codeOfNoSide: UInt8 = 3

  /// The side that a code stands for, nil for a song on none.
  /// - Throws: `UnknownCode` for any other number.
  static func side(of code: UInt8) throws(UnknownCode) -> SongSide? {
    if code == codeOfNoSide { return nil }
    guard let side = SongSide(rawValue: Int(code)) else { throw UnknownCode() }
    return side
  }

  struct UnknownCode: Error {}

  /// Level of deflate: more would cost time and gain little on shuffled thousandths.
  static let deflate = 4
  /// Songs of a chunk of labels and texts.
  static let rowsOfChunk = 1024
  /// Songs of a chunk of what is known of whole songs.
  static let songsOfChunk = 64
  /// Segments of a chunk of whole songs: a song is in two or three of them, and one is soon unpacked.
  static let segmentsOfChunk = 512

  /// What tells two snapshots apart: a hash of the track ids, the tags and which segments there are, in order.
  /// - Parameter segments: the number of each song's, or `all`.
  static func identity(
    trackIDs: some Collection<String>, tags: [String], segments: SegmentChoice, crop: Crop, longest: Int
  ) -> String {
    var identity = SnapshotIdentity(songs: trackIDs.count)
    for trackID in trackIDs { identity.add(trackID: trackID) }
    return identity.text(tags: tags, segments: segments, crop: crop, longest: longest)
  }
}
