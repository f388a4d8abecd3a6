import Diagnosis
import HDF5
import Segments
import Texts

/// An open track file: one song, or in an aggregate many, one a row.
///
/// An aggregate has the same tables and arrays as a file of one song; the arrays of all songs stand behind one
/// another, and `idx_…` columns tell where each song's begins. Songs are read one by one, so memory does not grow
/// with the aggregate.
final class TrackFile {
  let path: String
  let songCount: Int
  let file: File
  private var metadata: SongTable
  var analysis: SongTable
  private var musicBrainz: SongTable?
  /// Arrays that have been opened: several questions are asked of one, and opening it costs more than they do.
  private var arrays: [String: Dataset] = [:]

  /// More songs than any aggregate has, and fewer than would keep a run busy for ever.
  private static let mostSongs = 1 << 24
  /// A row of the tables alone takes more, however well it is compressed.
  private static let fewestBytesOfSong = 16
  /// Real artists have up to 100 tags, of 256 bytes.
  private static let mostTags = 10_000
  private static let longestTag = 4_096

  /// - Throws: `Failure` that names the path.
  init(_ path: String, bytes: Int) throws {
    self.path = path
    file = try File.open(path)
    metadata = try SongTable("metadata/songs", in: file)
    analysis = try SongTable("analysis/songs", in: file)
    guard metadata.count == analysis.count else {
      throw Failure(
        .badData,
        "\(path): /metadata/songs has \(metadata.count) rows, /analysis/songs \(analysis.count): expected one each "
          + "for every song")
    }
    songCount = analysis.count
    guard songCount > 0 else {
      throw Failure(.badData, "\(path): /analysis/songs has no row: there is no song in it")
    }
    if songCount > 1 { try checkAggregate(bytes) } else { try checkSingle(bytes) }
  }

  private func checkSingle(_ bytes: Int) throws {
    guard bytes <= TrackReader.largestFile else {
      throw Failure(
        .badData,
        "\(path): has \(bytes) bytes, more than the \(TrackReader.largestFile) that a file of one song may have")
    }
  }

  private func checkAggregate(_ bytes: Int) throws {
    guard file.contains(Feature.pitches.trackDatasets[0]) else {
      throw Failure(
        .badData,
        "\(path): \(songCount) songs in /analysis/songs and no /analysis/segments_pitches: a summary of songs, "
          + "without their segments")
    }
    guard songCount <= min(TrackFile.mostSongs, bytes / TrackFile.fewestBytesOfSong) else {
      throw Failure(
        .badData, "\(path): /analysis/songs has \(songCount) rows, more songs than \(bytes) bytes can hold")
    }
  }

  /// An array of the file, opened once.
  /// - Throws: `badData` where there is none of this name.
  func array(_ name: String) throws -> Dataset {
    if let array = arrays[name] { return array }
    let array = try file.dataset(name)
    arrays[name] = array
    return array
  }

  /// Reads a song.
  /// - Parameters:
  ///   - window: which of its segments to read.
  ///   - features: what to read of them.
  /// - Throws: `Failure` that names the path.
  func read(row: Int, _ window: SegmentWindow, _ features: FeatureSelection) throws -> Track {
    guard (0..<songCount).contains(row) else {
      throw Failure(.badData, "\(path): there is no song \(row) in it, it has \(songCount)")
    }
    let trackID = try analysis.text("track_id", row: row)
    guard TrackIdentifier.isWellFormed(trackID) else {
      throw Failure(
        .badData,
        "\(path): /analysis/songs: track_id is \"\(trackID.prefix(40))\", expected TR, five letters and eleven "
          + "hexadecimal digits")
    }
    let range = try segmentRange(ofRow: row, in: array(Feature.pitches.trackDatasets[0]))
    var track = Track(
      trackID: trackID, title: try metadata.text("title", row: row),
      artistName: try metadata.text("artist_name", row: row), artistID: try metadata.text("artist_id", row: row),
      segmentCount: range.count)
    if window != .none { try readSegments(of: &track, row: row, range, window, features) }
    return track
  }

  /// The tags of a song's artist that stand in the file.
  /// - Throws: `Failure` that names the path.
  func read(_ tags: ArtistTags, row: Int) throws -> [WeightedTag] {
    switch tags {
    case .terms:
      let names = try array("metadata/artist_terms")
      let weights = try array("metadata/artist_terms_weight")
      let range = try tagRange(names, weights) { length in
        try metadata.range(ofRow: row, column: "idx_artist_terms", length: length)
      }
      return try weighted(names, range, weights: range.isEmpty ? [] : weights.read(Double.self, rows: range))
    case .musicBrainz:
      let names = try array("musicbrainz/artist_mbtags")
      let counts = try array("musicbrainz/artist_mbtags_count")
      let range = try tagRange(names, counts) { length in
        var table = try musicBrainz ?? SongTable("musicbrainz/songs", in: file)
        defer { musicBrainz = table }
        guard table.count == songCount else {
          throw Failure(
            .badData, "\(path): /musicbrainz/songs has \(table.count) rows, /analysis/songs \(songCount)")
        }
        return try table.range(ofRow: row, column: "idx_artist_mbtags", length: length)
      }
      let values = range.isEmpty ? [] : try counts.read(Int32.self, rows: range)
      return try weighted(names, range, weights: values.map(Double.init))
    case .similarArtists:
      let names = try array("metadata/similar_artists")
      let range = try tagRange(names, names) { length in
        try metadata.range(ofRow: row, column: "idx_similar_artists", length: length)
      }
      return try weighted(names, range, weights: [Double](repeating: 1, count: range.count))
    }
  }

  /// Where a song's tags stand in two arrays of one length.
  private func tagRange(
    _ names: Dataset, _ weights: Dataset, ofSong: (_ length: Int) throws -> Range<Int>
  ) throws -> Range<Int> {
    guard names.shape.count == 1, names.shape == weights.shape else {
      throw Failure(
        .badData,
        "\(path): \(names.name) has the shape \(names.shape), \(weights.name) \(weights.shape): expected one number a tag"
      )
    }
    let range = songCount == 1 ? 0..<names.shape[0] : try ofSong(names.shape[0])
    guard range.count <= TrackFile.mostTags, names.element.bytes <= TrackFile.longestTag else {
      throw Failure(
        .badData,
        "\(path): \(names.name) holds \(range.count) tags of \(names.element.bytes) bytes, expected at most "
          + "\(TrackFile.mostTags) of \(TrackFile.longestTag)")
    }
    return range
  }

  private func weighted(_ names: Dataset, _ range: Range<Int>, weights: [Double]) throws -> [WeightedTag] {
    guard !range.isEmpty else { return [] }
    return try zip(names.readStrings(rows: range), weights).map { name, weight in
      guard weight.isFinite else {
        throw Failure(.badData, "\(path): \(names.name): the weight of \"\(name.prefix(40))\" is no number")
      }
      return WeightedTag(name: name, weight: weight)
    }
  }

  /// A song's segments in the arrays of segments.
  private func segmentRange(ofRow row: Int, in pitches: Dataset) throws -> Range<Int> {
    guard pitches.shape.count == 2, pitches.shape[1] == Track.pitchClasses else {
      throw Failure(
        .badData,
        "\(path): /analysis/segments_pitches has the shape \(pitches.shape), expected [segments, "
          + "\(Track.pitchClasses)]")
    }
    var range = 0..<pitches.shape[0]
    if songCount > 1 {
      range = try analysis.range(
        ofRow: row, column: "idx_segments_pitches", agreeingWith: TrackFile.startsOfSegments, length: range.count)
    }
    guard range.count <= SegmentLimits.mostInTrackFile else {
      throw Failure(
        .badData,
        "\(path): /analysis/segments_pitches has \(range.count) segments, expected at most "
          + "\(SegmentLimits.mostInTrackFile)")
    }
    return range
  }
}
