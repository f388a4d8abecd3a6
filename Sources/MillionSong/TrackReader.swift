import Diagnosis
import FileAccess
import HierarchicalData

/// Reads single-song files of the Million Song Dataset and checks everything it takes from them.
public struct TrackReader: Sendable {
  /// How many segments to read from the start of each song: nil for all, 0 for none.
  public var segments: Int?

  public init(segments: Int?) { self.segments = segments }

  /// Real files have up to 871 KB; a much larger one is no single song.
  public static let largestFile = 64 << 20
  /// Real songs have up to 3,691 segments.
  public static let mostSegments = 1 << 20

  /// Reads one file.
  ///
  /// It is opened where it lies: HDF5 then reads the pieces it needs, which is faster than handing it the whole
  /// file's bytes (it copies those several times).
  /// - Throws: `SkippedFile` with the path and what is wrong.
  public func read(_ path: String) throws(SkippedFile) -> Track {
    do {
      try checkRegularFile(path, limit: TrackReader.largestFile)
    } catch {
      throw SkippedFile(path: path, cause: error.description)
    }
    do {
      return try read(File.open(path))
    } catch let failure as Failure {
      throw SkippedFile(path: path, cause: TrackReader.cause(of: failure, without: path))
    } catch {
      throw SkippedFile(path: path, cause: "\(error)")
    }
  }

  private func read(_ file: File) throws -> Track {
    let metadata = try table("metadata/songs", in: file)
    let analysis = try table("analysis/songs", in: file)
    let trackID = analysis.string(try analysis.textColumn("track_id"), row: 0)
    guard TrackIdentifier.isWellFormed(trackID) else {
      throw Failure(
        .badData,
        "/analysis/songs: track_id is \"\(trackID.prefix(40))\", expected TR, five letters and eleven hexadecimal "
          + "digits")
    }
    let dataset = try file.dataset("analysis/segments_pitches")
    let segmentCount = try checkedSegmentCount(dataset)
    return Track(
      trackID: trackID, title: metadata.string(try metadata.textColumn("title"), row: 0),
      artistName: metadata.string(try metadata.textColumn("artist_name"), row: 0),
      artistID: metadata.string(try metadata.textColumn("artist_id"), row: 0), segmentCount: segmentCount,
      pitches: segments == 0
        ? nil : try pitches(of: dataset, segments: min(segmentCount, segments ?? segmentCount)))
  }

  /// A table that must have exactly one row.
  private func table(_ name: String, in file: File) throws -> RecordRows {
    let dataset = try file.dataset(name)
    guard dataset.shape == [1] else {
      throw Failure(
        .badData, "/\(name) has \(dataset.shape.first.map(String.init) ?? "no") rows, expected 1: one song a file")
    }
    return try dataset.readRecords(rows: 0..<1, limit: 1 << 20)
  }

  private func checkedSegmentCount(_ dataset: Dataset) throws -> Int {
    guard dataset.shape.count == 2, dataset.shape[1] == Track.pitchClasses else {
      throw Failure(
        .badData,
        "/analysis/segments_pitches has the shape \(dataset.shape), expected [segments, \(Track.pitchClasses)]")
    }
    guard dataset.shape[0] <= TrackReader.mostSegments else {
      throw Failure(
        .badData,
        "/analysis/segments_pitches has \(dataset.shape[0]) segments, expected at most \(TrackReader.mostSegments)"
      )
    }
    return dataset.shape[0]
  }

  private func pitches(of dataset: Dataset, segments: Int) throws -> PitchValues {
    guard segments > 0 else { return .thousandths([]) }
    let values = try dataset.read(Double.self, rows: 0..<segments)
    if let index = values.firstIndex(where: { !($0 >= 0 && $0 <= 1) }) {
      throw Failure(
        .badData,
        "/analysis/segments_pitches: segment \(index / Track.pitchClasses), pitch class "
          + "\(index % Track.pitchClasses) is \(values[index]), expected 0 to 1")
    }
    return PitchValues(packing: values)
  }

  /// The message without the path that stands before it, on one line.
  private static func cause(of failure: Failure, without path: String) -> String {
    let text = failure.description
    let start = path + ": "
    return (text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text)
  }
}
