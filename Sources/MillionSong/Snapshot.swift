import Diagnosis
import FileAccess
import Foundation
import HierarchicalData

/// A snapshot opened for reading: everything but the pitches is in memory, these are read in ranges.
///
/// Not Sendable: the file stays with the thread that opened it.
public final class Snapshot {
  public let path: String
  /// Segments of every song.
  public let segments: Int
  /// Tag names in the order of the labels' columns.
  public let tags: [String]
  public let trackIDs: [String]
  public let titles: [String]
  public let artistNames: [String]
  public let artistIDs: [String]
  /// `[songs × tags]`, row-major, 0 or 1.
  public let labels: [UInt8]
  public let record: SnapshotRecord
  public let programVersion: String
  public let encoding: PitchEncoding
  /// A hash of track ids, tags and segments, in order.
  public let identity: String
  private let dataset: Dataset
  /// Keeps the file open as long as its dataset.
  private let file: File

  public var songCount: Int { trackIDs.count }
  public var funnel: Funnel { record.counts.funnel }

  /// Opens a snapshot and checks all of it but the pitches' values.
  /// - Throws: `missingInput` where there is no such file, `badData` where it is no snapshot, one of another
  ///   version, or damaged.
  public static func open(_ path: String) throws -> Snapshot { try Snapshot(path) }

  private init(_ path: String) throws {
    let file = try File.open(path)
    let parts = try SnapshotParts(file)
    self.path = path
    self.file = file
    segments = parts.segments
    encoding = parts.encoding
    dataset = parts.pitches
    tags = try parts.tags()
    trackIDs = try parts.texts(SnapshotFormat.Path.trackIDs)
    titles = try parts.texts(SnapshotFormat.Path.titles)
    artistNames = try parts.texts(SnapshotFormat.Path.artistNames)
    artistIDs = try parts.texts(SnapshotFormat.Path.artistIDs)
    labels = try parts.labels(tags: tags.count)
    record = try parts.record(tags: tags)
    programVersion = try file.textAttribute(SnapshotFormat.Attribute.program)
    identity = try file.textAttribute(SnapshotFormat.Attribute.identity)
    guard identity == SnapshotFormat.identity(trackIDs: trackIDs, tags: tags, segments: segments) else {
      throw Failure(.badData, "\(path): damaged: its identity \(identity) is not that of its songs and tags")
    }
  }

  /// Reads the pitches of songs in a row.
  /// - Throws: `badData` where the file is damaged, also for values outside 0 to 1.
  public func pitches(of range: Range<Int>) throws -> PitchBlock {
    precondition(range.lowerBound >= 0 && range.upperBound <= songCount, "songs of the snapshot")
    let values: PitchValues
    switch encoding {
    case .thousandths: values = .thousandths(range.isEmpty ? [] : try dataset.read(UInt16.self, rows: range))
    case .float32: values = .floats(range.isEmpty ? [] : try dataset.read(Float.self, rows: range))
    }
    let inRange =
      switch values {
      case .thousandths(let values): values.allSatisfy { $0 <= 1000 }
      case .floats(let values): values.allSatisfy { $0 >= 0 && $0 <= 1 }
      }
    guard inRange else {
      throw Failure(.badData, "\(path): damaged: pitches of the songs \(range) are outside 0 to 1")
    }
    return PitchBlock(songs: range.count, segments: segments, values: values)
  }

  /// Whether a file says that it is a snapshot, of whatever version.
  public static func isSnapshot(_ file: File) -> Bool {
    (try? file.textAttribute(SnapshotFormat.Attribute.format)) == SnapshotFormat.name
  }
}
