import Diagnosis
import FileAccess
import Foundation
import HDF5
import Isolation
import Segments
import Splits
import Tags
import Texts

/// A snapshot opened for reading: everything but the segments is in memory, these are read in parts.
///
/// Not Sendable: one thread at a time uses it.
public final class Snapshot {
  public let path: String
  /// Segments of every song, or all.
  public let segments: SegmentChoice
  /// What is known of the segments.
  public let features: FeatureSelection
  /// How many segments of each song there are.
  public let segmentCounts: [Int]
  /// How many each song has in all, whatever is kept of them.
  public let wholeSegmentCounts: [Int]
  /// Tag names in the order of the labels' columns.
  public let tags: [String]
  public let trackIDs: PackedTexts
  public let titles: PackedTexts
  public let artistNames: PackedTexts
  public let artistIDs: PackedTexts
  /// `[songs × tags]`, row-major, 0 or 1.
  public let labels: [UInt8]
  public let record: SnapshotRecord
  /// Words of each song beside its tags; nil where the snapshot keeps none.
  public let terms: SongTerms?
  /// The split that the snapshot keeps; nil where it keeps none.
  public let preparedSplit: PreparedSplit?
  /// Of all that is kept of that split's training songs, by feature; empty where there is no split.
  public let standardization: [Feature: Standardization]
  public let programVersion: String
  /// A hash of track ids, tags and segments, in order.
  public let identity: String
  private let stored: [Feature: StoredSegments]
  private let ofSongs: [SongFeature: Dataset]
  /// Keeps the file open as long as its datasets.
  private let file: File

  public var songCount: Int { trackIDs.count }
  public var funnel: Funnel { record.counts.funnel }

  /// Opens a snapshot and checks all of it but the segments' values. Another process tries it first, since damage can
  /// make the library crash before anything is checked.
  ///
  ///     let snapshot = try Snapshot.open("songs.h5")
  ///     let pitches = try snapshot.values(of: .pitches, songs: 0..<32).floats
  ///
  /// - Throws: `missingInput` where there is no such file, `badData` where it is no snapshot, one of another
  ///   version, or damaged.
  public static func open(_ path: String) throws -> Snapshot {
    try TrialProcess().run(trial, on: path)
    return try Snapshot(path)
  }

  private static let trial = "snapshot"
  /// What is tried of a file before it is opened: the same, and to find every chunk of the segments.
  public static let trials: [String: TrialProcess.Trial] = [
    trial: { path in
      let snapshot = try Snapshot(path)
      for stored in snapshot.stored.values { try stored.dataset.checkChunks() }
      for dataset in snapshot.ofSongs.values { try dataset.checkChunks() }
    }
  ]

  private init(_ path: String) throws {
    let file = try File.open(path)
    let parts = try SnapshotParts(file)
    self.path = path
    self.file = file
    segments = parts.segments
    features = parts.features
    stored = parts.stored
    ofSongs = try parts.songFeatures()
    segmentCounts = parts.segmentCounts
    tags = try parts.tags()
    trackIDs = try parts.texts(SnapshotFormat.Path.trackIDs)
    titles = try parts.texts(SnapshotFormat.Path.titles)
    artistNames = try parts.texts(SnapshotFormat.Path.artistNames)
    artistIDs = try parts.texts(SnapshotFormat.Path.artistIDs)
    labels = try parts.labels(tags: tags.count)
    record = try parts.record(tags: tags)
    let whole = try parts.wholeSegmentCounts()
    wholeSegmentCounts = whole.map(Int.init)
    try SnapshotAgreement(
      path: path, segments: segments, features: features, kept: segmentCounts, tags: tags, record: record,
      tagged: Self.tagged(labels, tags: tags.count)
    ).check(segmentCounts: whole)
    terms = record.options.auxiliary == nil ? nil : try parts.terms()
    preparedSplit = try parts.preparedSplit(record.options)
    standardization = preparedSplit == nil ? [:] : try parts.standardization()
    programVersion = try file.textAttribute(SnapshotFormat.Attribute.program)
    identity = try file.textAttribute(SnapshotFormat.Attribute.identity)
    let expected = SnapshotFormat.identity(
      trackIDs: trackIDs, tags: tags, segments: segments, crop: record.options.crop,
      longest: record.options.longest)
    guard identity == expected else {
      throw Failure(.badData, "\(path): damaged: its identity \(identity) is not that of its songs and tags")
    }
  }

  /// What `identity` is of songs with these ids, tags and segments.
  public static func identity(
    trackIDs: some Collection<String>, tags: [String], segments: SegmentChoice, crop: Crop
  ) -> String {
    SnapshotFormat.identity(
      trackIDs: trackIDs, tags: tags, segments: segments, crop: crop, longest: SegmentLimits.taken.upperBound)
  }

  /// Songs with at least one label.
  private static func tagged(_ labels: [UInt8], tags: Int) -> Int {
    stride(from: 0, to: labels.count, by: tags).count { labels[$0..<$0 + tags].contains(1) }
  }

  /// How each feature is kept.
  public var encodings: [Feature: ValueEncoding] { stored.mapValues(\.encoding) }

  /// Reads a feature of songs in a row: all their segments, one song after the other.
  /// - Throws: `badData` where the snapshot does not have it and where the file is damaged, also for values
  ///   that the feature cannot have.
  public func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues {
    precondition(songs.lowerBound >= 0 && songs.upperBound <= songCount, "songs of the snapshot")
    return try dataset(feature).read(songs: songs)
  }

  /// Reads a feature of some of a song's segments.
  /// - Throws: as `values(of:songs:)`.
  public func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues {
    precondition(song >= 0 && song < songCount, "a song of the snapshot")
    return try dataset(feature).read(song: song, segments: segments)
  }

  /// Reads what is known of whole songs in a row, `[song][width]`.
  /// - Throws: `badData` where the snapshot does not have it, and where a number is not finite.
  public func values(of feature: SongFeature, songs: Range<Int>) throws -> [Float] {
    precondition(songs.lowerBound >= 0 && songs.upperBound <= songCount, "songs of the snapshot")
    guard let dataset = ofSongs[feature] else {
      throw Failure(
        .badData, "\(path): has no \(feature.rawValue)",
        remedy: "prepare it with \(feature.rawValue) among --features")
    }
    let values = songs.isEmpty ? [] : try dataset.read(Float.self, rows: songs)
    guard values.allSatisfy(\.isFinite) else {
      throw Failure(.badData, "\(path): damaged: \(feature.rawValue) that are no numbers")
    }
    return values
  }

  private func dataset(_ feature: Feature) throws -> StoredSegments {
    guard let stored = stored[feature] else {
      throw Failure(
        .badData, "\(path): has no \(feature.rawValue)", remedy: "prepare it with --features \(feature.rawValue)")
    }
    return stored
  }

  /// Whether a file says that it is a snapshot, of whatever version.
  public static func isSnapshot(_ file: File) -> Bool {
    (try? file.textAttribute(SnapshotFormat.Attribute.format)) == SnapshotFormat.name
  }
}
