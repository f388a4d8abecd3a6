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
    static let timbreMean = "standardization/timbre_mean"
    static let timbreDeviation = "standardization/timbre_deviation"
    static let distribution = "distribution"

    static func values(_ feature: Feature) -> String { "songs/" + feature.rawValue }
  }

  /// Level of deflate: more would cost time and gain little on shuffled thousandths.
  static let deflate = 4
  /// Songs of a chunk of labels and texts.
  static let rowsOfChunk = 1024
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

/// The hash that tells two snapshots apart, made as the track ids come.
struct SnapshotIdentity {
  private var hash = Fingerprint()

  init(songs: Int) { hash.add("\(songs)") }

  mutating func add(trackID: String) { hash.add(trackID) }

  /// 16 hexadecimal digits, when all track ids are in.
  func text(tags: [String], segments: SegmentChoice, crop: Crop, longest: Int) -> String {
    var hash = hash
    hash.add("\(tags.count)")
    for tag in tags { hash.add(tag) }
    let cut = longest == PreparationOptions.mostSegments ? "" : " \(longest)"
    hash.add(segments == .all ? "all\(cut)" : crop == .first ? "\(segments)" : "\(segments) \(crop.rawValue)")
    return hash.text
  }
}

/// FNV-1a, 64 bits: the same on every machine and in every run, which the standard hash is not.
struct Fingerprint {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

  /// 16 hexadecimal digits.
  var text: String {
    let digits = String(value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// Adds a text and an end mark.
  mutating func add(_ text: String) {
    for byte in text.utf8 { add(byte) }
    add(0)
  }

  private mutating func add(_ byte: UInt8) { value = (value ^ UInt64(byte)) &* 0x100_0000_01B3 }

  static func of(_ text: String) -> UInt64 {
    var hash = Fingerprint()
    for byte in text.utf8 { hash.add(byte) }
    return hash.value
  }
}
