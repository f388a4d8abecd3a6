import Diagnosis
import Segments
import Snapshots
import Spectrograms
import Texts

/// A file of spectrograms as the songs of a run: frames are their segments, bands the rows.
public final class SpectrogramSongs: SongSource {
  private let file: SpectrogramFile
  public let name: String
  public var identity: String { file.identity }
  public let features = FeatureSelection.spectrogram
  public var rows: Int { file.bands }
  public var segments: SegmentChoice { .count(file.frames) }
  public let segmentCounts: [Int]
  public var tags: [String] { file.tags }
  public var trackIDs: PackedTexts { file.ids }
  public var artistIDs: PackedTexts { file.artists ?? file.ids }
  public var artistNames: PackedTexts { [] }
  public var knowsArtists: Bool { file.artists != nil }
  public var labels: [UInt8] { file.labels }

  /// - Throws: as `SpectrogramFile.open`.
  public init(_ path: String) throws {
    name = path
    file = try SpectrogramFile.open(path)
    segmentCounts = Array(repeating: file.frames, count: file.songs)
  }

  public func bytesOfSegment(_ feature: Feature) -> Int { file.bands * (file.isHalf ? 2 : 4) }

  public func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues {
    try file.values(songs: songs)
  }

  public func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues {
    try file.values(songs: song..<song + 1).segments(segments, width: file.bands)
  }
}

/// The songs of a data file of either kind.
/// - Throws: as `SnapshotSongs`, or as `SpectrogramSongs` where the file has spectrograms.
public func openSongs(_ path: String) throws -> any SongSource {
  do {
    return try SnapshotSongs(path)
  } catch let failure as Failure where failure.kind == .badData {
    // Only then is it worth another process that looks.
    guard try SpectrogramFile.isSpectrograms(at: path) else { throw failure }
    return try SpectrogramSongs(path)
  }
}
