import Diagnosis
import FileAccess
import FileTrees
import HDF5
import Segments

/// Reads track files of the Million Song Dataset, of one song or of many, and checks everything it takes from them.
///
/// A file is opened where it lies: HDF5 then reads the pieces it needs, which is faster than handing it the whole
/// file's bytes (it copies those several times). An aggregate stays open until another file is read.
///
///     let reader = TrackReader(segments: 252)
///     let pitches = try reader.read(SongLocation("TRAAABD128F429CF47.h5")).pitches
///
/// HDF5 crashes on some damaged files: `TrackStream` reads in another process.
public final class TrackReader {
  /// Which segments to read of each song.
  public let window: SegmentWindow
  /// What to read of them.
  public let features: FeatureSelection
  /// The tags that are read with each song; nil: none.
  package var artistTags: ArtistTags?
  /// The words beside the tags that are read with each song.
  package var auxiliary: [ArtistTags] = []
  /// Whether files named `….json` are read as audio analyses, of one song each.
  package var readsAnalyses = false
  package static let analysisSuffix = AudioAnalysis.suffix
  package static func isAnalysis(_ path: String) -> Bool { AudioAnalysis.isNamed(path) }
  private var aggregate: TrackFile?

  public init(_ window: SegmentWindow, features: FeatureSelection = .pitches) {
    self.window = window
    self.features = features
  }

  /// - Parameters:
  ///   - segments: how many to read from the start of each song: nil for all, 0 for none.
  ///   - features: which ones to read.
  public convenience init(segments: Int?, features: FeatureSelection = .pitches) {
    self.init(segments == 0 ? .none : .first(segments ?? SegmentLimits.mostInTrackFile), features: features)
  }

  /// Real files of one song have up to 871 KB; a much larger one is none.
  public static let largestFile = 64 << 20

  /// Reads a file's only song, or tells how many there are.
  /// - Throws: `SkippedFile` with the path and what is wrong.
  public func contents(of path: String) throws(SkippedFile) -> TrackFileContents {
    try reporting(SongLocation(path)) {
      if readsAnalyses, AudioAnalysis.isNamed(path) { return .song(try track(of: AudioAnalysis(at: path), path)) }
      let file = try open(path)
      if file.songCount > 1 { return .aggregate(songs: file.songCount) }
      return .song(try read(file, row: 0))
    }
  }

  /// Reads a row of an aggregate or, where the location names none, a file's only song, or tells how many there are.
  func contents(at location: SongLocation) throws(SkippedFile) -> TrackFileContents {
    location.row == nil ? try contents(of: location.path) : .song(try read(location))
  }

  /// Reads one song: the only one of its file, or a row of an aggregate.
  /// - Throws: `SkippedFile` with the path (and row) and what is wrong.
  public func read(_ location: SongLocation) throws(SkippedFile) -> Track {
    try reporting(location) {
      let file = try open(location.path)
      guard location.row != nil || file.songCount == 1 else {
        throw Failure(.badData, "\(location.path): holds \(file.songCount) songs, expected one")
      }
      return try read(file, row: location.row ?? 0)
    }
  }

  private func read(_ file: TrackFile, row: Int) throws -> Track {
    var track = try file.read(row: row, window, features)
    track.artistTags = try artistTags.map { try file.read($0, row: row) }
    if !auxiliary.isEmpty {
      track.terms = try auxiliary.flatMap { source in
        try file.read(source, row: row)
          .filter { !$0.name.isEmpty }
          .map { WeightedTag(name: source.prefix + $0.name, weight: $0.weight) }
          // A term that looks like an artist's id would be taken for one.
          .filter { ArtistTags.isSimilarArtist($0.name) == (source == .similarArtists) }
      }
    }
    return track
  }

  private func track(of analysis: AudioAnalysis, _ path: String) throws -> Track {
    let count = analysis.segments.count
    var track = Track(trackID: analysis.trackID, title: "", artistName: "", artistID: "", segmentCount: count)
    guard window != .none else { return track }
    for feature in features.features {
      track[feature] = SegmentValues(
        packing: try analysis.values(of: feature, window.range(of: count), path: path), of: feature)
    }
    guard !features.ofSong.isEmpty else { return track }
    track.songValues = try SongMoments.values(features.ofSong, analysis.facts(path: path)) { feature in
      try analysis.values(of: feature, 0..<min(count, SegmentLimits.taken.upperBound), path: path)
    }
    return track
  }

  private func open(_ path: String) throws -> TrackFile {
    if let aggregate, aggregate.path == path { return aggregate }
    aggregate = nil
    let file = try TrackFile(path, bytes: try checkRegularFile(path, limit: .max))
    if file.songCount > 1 { aggregate = file }
    return file
  }

  /// Makes every error one that names the song.
  private func reporting<Value>(
    _ location: SongLocation, _ body: () throws -> Value
  ) throws(SkippedFile) -> Value {
    do {
      return try body()
    } catch let failure as Failure {
      throw SkippedFile(
        path: location.description, cause: TrackReader.cause(of: failure, without: location.path))
    } catch {
      throw SkippedFile(path: location.description, cause: "\(error)")
    }
  }

  /// The message without the path that stands before it, on one line.
  private static func cause(of failure: Failure, without path: String) -> String {
    let text = failure.description
    let start = path + ": "
    return (text.hasPrefix(start) ? String(text.dropFirst(start.count)) : text)
  }
}
