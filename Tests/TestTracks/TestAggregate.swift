import HDF5

/// A file of many songs, with the parts that the reader looks at; each can be made wrong.
package struct TestAggregate {
  package struct Song {
    package var trackID: String
    package var title: String
    package var artistName: String
    package var artistID: String
    package var segments: Int
    /// Value of all its pitches, in thousandths.
    package var thousandths: Int
    package var terms: [(String, Double)]
    package var tags: [(String, Int32)]

    package init(
      trackID: String, title: String = "Title", artistName: String = "Artist",
      artistID: String = "ARAAAAA1187B98B7C8", segments: Int, thousandths: Int = 250,
      terms: [(String, Double)] = [], tags: [(String, Int32)] = []
    ) {
      self.trackID = trackID
      self.title = title
      self.artistName = artistName
      self.artistID = artistID
      self.segments = segments
      self.thousandths = thousandths
      self.terms = terms
      self.tags = tags
    }
  }

  package var songs: [Song]
  /// In place of the right starts, by column.
  package var starts: [String: [Int32]] = [:]
  package var leftOut: Set<String> = []
  /// Rows that the table of metadata lacks.
  package var missingMetadata = 0

  package init(songs: [Song]) { self.songs = songs }

  package func image() throws -> [UInt8] {
    let file = try File.createInMemory(name: "aggregate")
    let segmentStarts = running(songs.map(\.segments))
    try table(
      "metadata",
      texts: [
        ("artist_id", 32, songs.map(\.artistID)), ("artist_name", 1024, songs.map(\.artistName)),
        ("title", 1024, songs.map(\.title)),
      ], numbers: [("idx_artist_terms", running(songs.map(\.terms.count)))], rows: songs.count - missingMetadata,
      file)
    try table(
      "analysis", texts: [("track_id", 32, songs.map(\.trackID))],
      numbers: [
        ("idx_segments_pitches", segmentStarts), ("idx_segments_start", segmentStarts),
        ("idx_segments_timbre", segmentStarts),
      ], rows: songs.count, file)
    try table(
      "musicbrainz", texts: [], numbers: [("idx_artist_mbtags", running(songs.map(\.tags.count)))],
      rows: songs.count, file)
    let pitches = songs.flatMap { song in
      [Double](repeating: Double(song.thousandths) / 1000, count: song.segments * 12)
    }
    if !leftOut.contains("segments_pitches") {
      try array("analysis/segments_pitches", pitches, .float64, [pitches.count / 12, 12], file)
    }
    let terms = songs.flatMap(\.terms)
    try texts("metadata/artist_terms", terms.map(\.0), file)
    try array("metadata/artist_terms_weight", terms.map(\.1), .float64, [terms.count], file)
    let tags = songs.flatMap(\.tags)
    try texts("musicbrainz/artist_mbtags", tags.map(\.0), file)
    try array("musicbrainz/artist_mbtags_count", tags.map(\.1), .int32, [tags.count], file)
    return try file.image()
  }

  /// Where each part begins when parts of these lengths stand behind one another.
  private func running(_ lengths: [Int]) -> [Int32] {
    lengths.indices.map { Int32(lengths[..<$0].reduce(0, +)) }
  }

  private func table(
    _ group: String, texts: [(String, Int, [String])], numbers: [(String, [Int32])], rows: Int, _ file: File
  ) throws {
    let fields =
      texts.map { ($0.0, ElementType.fixedString(bytes: $0.1, .ascii)) } + numbers.map { ($0.0, .int32) }
    let type = RecordType(fields.filter { !leftOut.contains($0.0) })
    let records = try (0..<rows).map { row in
      var record = Record(type)
      for (name, _, values) in texts where !leftOut.contains(name) { try record.set(name, values[row]) }
      for (name, values) in numbers where !leftOut.contains(name) {
        try record.set(name, (starts[name] ?? values)[row])
      }
      return record
    }
    let dataset = try file.createGroup(group)
      .createDataset(
        "songs", DatasetLayout(.record(type), shape: [rows], maximumShape: [.unlimited], chunk: [3]))
    if rows > 0 { try dataset.write(records: records) }
  }

  private func array<E: Element>(
    _ path: String, _ values: [E], _ type: ElementType, _ shape: [Int], _ file: File
  ) throws {
    let rest = shape.dropFirst()
    let dataset = try file.createDataset(
      path,
      DatasetLayout(
        type, shape: shape, maximumShape: [.unlimited] + rest.map { .fixed($0) }, chunk: [16] + rest))
    if !values.isEmpty { try dataset.write(values, fromRow: 0) }
  }

  private func texts(_ path: String, _ values: [String], _ file: File) throws {
    let dataset = try file.createDataset(
      path,
      DatasetLayout(
        .fixedString(bytes: 256, .ascii), shape: [values.count], maximumShape: [.unlimited], chunk: [16]))
    if !values.isEmpty { try dataset.write(strings: values, fromRow: 0) }
  }
}
