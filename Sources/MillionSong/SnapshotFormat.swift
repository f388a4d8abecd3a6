/// Names and version of the snapshot's parts; docs/formats.md describes them.
enum SnapshotFormat {
  static let name = "crnn-dist snapshot"
  static let version: Int32 = 1

  enum Attribute {
    static let format = "format"
    static let version = "format_version"
    static let program = "program_version"
    static let identity = "identity"
    static let songs = "songs"
    static let segments = "segments"
    static let encoding = "pitch_encoding"
    static let counts = "counts"
    static let options = "options"
  }

  enum Path {
    static let pitches = "songs/pitches"
    static let trackIDs = "songs/track_id"
    static let titles = "songs/title"
    static let artistNames = "songs/artist_name"
    static let artistIDs = "songs/artist_id"
    static let segmentCounts = "songs/segment_count"
    static let labels = "songs/labels"
    static let tagNames = "tags/names"
    static let distribution = "distribution"
  }

  /// Level of deflate: more would cost time and gain little on shuffled thousandths.
  static let deflate = 4
  /// Songs of a chunk of labels and texts.
  static let rowsOfChunk = 1024

  /// What tells two snapshots apart: a hash of the track ids, the tags and the number of segments, in order.
  static func identity(trackIDs: [String], tags: [String], segments: Int) -> String {
    var hash = Fingerprint()
    for list in [trackIDs, tags] {
      hash.add("\(list.count)")
      for text in list { hash.add(text) }
    }
    hash.add("\(segments)")
    let digits = String(hash.value, radix: 16)
    return String(repeating: "0", count: 16 - digits.count) + digits
  }
}

/// FNV-1a, 64 bits: the same on every machine and in every run, which the standard hash is not.
struct Fingerprint {
  private(set) var value: UInt64 = 0xCBF2_9CE4_8422_2325

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
