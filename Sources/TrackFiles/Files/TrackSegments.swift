import Diagnosis
import HDF5
import Segments

/// What is read of a song's segments, and of the song as a whole.
extension TrackFile {
  /// Columns of an aggregate that say of each array of segments what `idx_segments_pitches` says.
  static let startsOfSegments = [
    "idx_segments_start", "idx_segments_timbre", "idx_segments_confidence", "idx_segments_loudness_max",
    "idx_segments_loudness_max_time", "idx_segments_loudness_start",
  ]

  /// Reads what was asked for. Moments are taken of the whole song, whatever part of it is kept.
  /// - Parameter range: the song's segments in the arrays of all.
  func readSegments(
    of track: inout Track, row: Int, _ range: Range<Int>, _ window: SegmentWindow, _ features: FeatureSelection
  ) throws {
    let kept = window.range(of: range.count)
    let facts = features.ofSong.isEmpty ? nil : try facts(row: row, segments: range.count)
    if let facts {
      let all = 0..<min(range.count, SegmentLimits.taken.upperBound)
      track.songValues = try SongMoments.values(features.ofSong, facts) { try read($0, all, of: range, row: row) }
    }
    for feature in features.features {
      track[feature] = SegmentValues(packing: try read(feature, kept, of: range, row: row), of: feature)
    }
  }

  /// - Parameters:
  ///   - segments: which of the song's.
  ///   - song: the song's in the arrays.
  /// - Returns: `[segment][width]`
  private func read(_ feature: Feature, _ segments: Range<Int>, of song: Range<Int>, row: Int) throws -> [Double] {
    let values: [Double]
    switch feature {
    case .pitches, .timbre: values = try array(feature.trackDatasets[0], segments, of: song, width: feature.width)
    case .confidence: values = try array(feature.trackDatasets[0], segments, of: song)
    case .loudness:
      let columns = try feature.trackDatasets.map { try array($0, segments, of: song) }
      values = (0..<segments.count).flatMap { segment in columns.map { $0[segment] } }
    case .duration: values = try durations(segments, of: song, row: row)
    case .spectrogram: throw Failure(.fault, "\(path): a track file has no spectrogram")
    }
    let range = feature.range
    if let index = values.firstIndex(where: { !range.contains($0) }) {
      let dataset = feature.trackDatasets[feature == .loudness ? index % feature.width : 0]
      throw Failure(
        .badData,
        "\(path): /\(dataset): segment \(segments.lowerBound + index / feature.width), "
          + "\(feature.valueName(index % feature.width)) is \(values[index]), expected \(Int(range.lowerBound)) to "
          + "\(Int(range.upperBound))")
    }
    return values
  }

  /// From each segment's start to the next one's; of the last one to the end of the song, where that lies behind it.
  private func durations(_ segments: Range<Int>, of song: Range<Int>, row: Int) throws -> [Double] {
    guard !segments.isEmpty else { return [] }
    let isLast = segments.upperBound == song.count
    let read = segments.lowerBound..<segments.upperBound + (isLast ? 0 : 1)
    var starts = try array(Feature.duration.trackDatasets[0], read, of: song)
    if isLast { starts.append(max(try analysis.number("duration", row: row), starts[starts.count - 1])) }
    return zip(starts.dropFirst(), starts).map { $0 - $1 }
  }

  private func array(
    _ name: String, _ segments: Range<Int>, of song: Range<Int>, width: Int? = nil
  ) throws -> [Double] {
    let dataset = try array(name)
    let shape = [try array(Feature.pitches.trackDatasets[0]).shape[0]] + (width.map { [$0] } ?? [])
    guard dataset.shape == shape else {
      throw Failure(
        .badData, "\(path): /\(name) has the shape \(dataset.shape), expected \(shape) as there are pitches")
    }
    let rows = segments.lowerBound + song.lowerBound..<segments.upperBound + song.lowerBound
    return rows.isEmpty ? [] : try dataset.read(Double.self, rows: rows)
  }

  private func facts(row: Int, segments: Int) throws -> SongFacts {
    try SongFacts(
      path, columns: SongFacts.columns.map { ($0, try analysis.number($0, row: row)) }, segments: segments,
      beats: events("beats", row: row), sections: events("sections", row: row))
  }

  /// How many beats, or sections, a song has.
  private func events(_ kind: String, row: Int) throws -> Int {
    let count = try array("analysis/\(kind)_start").shape.first ?? 0
    if songCount == 1 { return count }
    return try analysis.range(ofRow: row, column: "idx_\(kind)_start", length: count).count
  }
}

extension Feature {
  /// Where track files have it.
  var trackDatasets: [String] {
    switch self {
    case .pitches: ["analysis/segments_pitches"]
    case .timbre: ["analysis/segments_timbre"]
    case .loudness:
      [
        "analysis/segments_loudness_max", "analysis/segments_loudness_max_time",
        "analysis/segments_loudness_start",
      ]
    case .duration: ["analysis/segments_start"]
    case .confidence: ["analysis/segments_confidence"]
    // Which no track file has.
    case .spectrogram: []
    }
  }
}
