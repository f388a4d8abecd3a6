import HDF5

/// The real track files' structure: groups, arrays, tables, with the titles that PyTables gave them.
enum TrackFileLayout {
  static let groups = [
    ("analysis", "Echo Nest analysis of the song"), ("metadata", "metadata about the song"),
    ("musicbrainz", "data about the song coming from MusicBrainz"),
  ]

  /// The songs' `FILTERS` attribute: PyTables' code for shuffle and deflate at level 1.
  static let filters: Int64 = 65_793

  static let analysisSongs = RecordType(
    [("analysis_sample_rate", .int32), ("audio_md5", text(32))]
      + doubles("danceability", "duration", "end_of_fade_in", "energy")
      + integers(
        "idx_bars_confidence", "idx_bars_start", "idx_beats_confidence", "idx_beats_start",
        "idx_sections_confidence", "idx_sections_start", "idx_segments_confidence", "idx_segments_loudness_max",
        "idx_segments_loudness_max_time", "idx_segments_loudness_start", "idx_segments_pitches",
        "idx_segments_start", "idx_segments_timbre", "idx_tatums_confidence", "idx_tatums_start", "key")
      + doubles("key_confidence", "loudness") + integers("mode")
      + doubles("mode_confidence", "start_of_fade_out", "tempo") + integers("time_signature")
      + doubles("time_signature_confidence") + [("track_id", text(32))])

  static let metadataSongs = RecordType(
    [("analyzer_version", text(32))] + integers("artist_7digitalid")
      + doubles("artist_familiarity", "artist_hotttnesss") + [("artist_id", text(32))]
      + doubles("artist_latitude") + [("artist_location", text(1024))] + doubles("artist_longitude")
      + [("artist_mbid", text(40)), ("artist_name", text(1024))] + integers("artist_playmeid")
      + [("genre", text(1024))] + integers("idx_artist_terms", "idx_similar_artists")
      + [("release", text(1024))] + integers("release_7digitalid") + doubles("song_hotttnesss")
      + [("song_id", text(32)), ("title", text(1024))] + integers("track_7digitalid"))

  static let musicBrainzSongs = RecordType(integers("idx_artist_mbtags", "year"))

  /// The tables: group, type, rows a chunk, title.
  static let tables: [(group: String, type: RecordType, chunk: Int, title: String)] = [
    ("analysis", analysisSongs, 37, "table of Echo Nest analysis for one song"),
    ("metadata", metadataSongs, 3, "table of metadata for one song"),
    ("musicbrainz", musicBrainzSongs, 1024, "table of data coming from MusicBrainz"),
  ]

  /// An array's place, type, chunk and title, in the order in which the real files' arrays were made.
  struct ArrayLayout {
    let path: String
    let type: ElementType
    let chunk: [Int]
    let title: String
  }

  static let arrays: [ArrayLayout] = [
    ArrayLayout(
      path: "metadata/similar_artists", type: text(20), chunk: [409],
      title: "array of similar artists Echo Nest id"),
    ArrayLayout(
      path: "metadata/artist_terms", type: text(256), chunk: [32],
      title: "array of terms (Echo Nest tags) for an artist"),
    row("metadata/artist_terms_freq", "array of term (Echo Nest tags) frequencies for an artist"),
    row("metadata/artist_terms_weight", "array of term (Echo Nest tags) weights for an artist"),
    row("analysis/segments_start", "array of start times of segments"),
    row("analysis/segments_confidence", "array of confidence of segments"),
    ArrayLayout(
      path: "analysis/segments_pitches", type: .float64, chunk: [85, 12],
      title: "array of pitches of segments (chromas)"),
    ArrayLayout(
      path: "analysis/segments_timbre", type: .float64, chunk: [85, 12],
      title: "array of timbre of segments (MFCC-like)"),
    row("analysis/segments_loudness_max", "array of max loudness of segments"),
    row("analysis/segments_loudness_max_time", "array of max loudness time of segments"),
    row("analysis/segments_loudness_start", "array of loudness of segments at start time"),
    row("analysis/sections_start", "array of start times of sections"),
    row("analysis/sections_confidence", "array of confidence of sections"),
    row("analysis/beats_start", "array of start times of beats"),
    // The real files say "sections" here too.
    row("analysis/beats_confidence", "array of confidence of sections"),
    row("analysis/bars_start", "array of start times of bars"),
    row("analysis/bars_confidence", "array of confidence of bars"),
    row("analysis/tatums_start", "array of start times of tatums"),
    row("analysis/tatums_confidence", "array of confidence of tatums"),
    ArrayLayout(
      path: "musicbrainz/artist_mbtags", type: text(256), chunk: [32],
      title: "array of tags from MusicBrainz for an artist"),
    ArrayLayout(
      path: "musicbrainz/artist_mbtags_count", type: .int32, chunk: [2048],
      title: "array of tag counts from MusicBrainz for an artist"),
  ]

  private static func row(_ path: String, _ title: String) -> ArrayLayout {
    ArrayLayout(path: path, type: .float64, chunk: [1024], title: title)
  }

  private static func text(_ bytes: Int) -> ElementType { .fixedString(bytes: bytes, .ascii) }

  private static func doubles(_ names: String...) -> [(name: String, type: ElementType)] {
    names.map { ($0, .float64) }
  }

  private static func integers(_ names: String...) -> [(name: String, type: ElementType)] {
    names.map { ($0, .int32) }
  }
}
