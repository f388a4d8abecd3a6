import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import Preparation
import Segments
import Snapshots
import Splits
import Tags
import Texts

/// A snapshot as the songs of a run.
public final class SnapshotSongs: SongSource {
  private let snapshot: Snapshot
  public let name: String
  public var identity: String { snapshot.identity }
  public var features: FeatureSelection { snapshot.features }
  public var segments: SegmentChoice { snapshot.segments }
  public var segmentCounts: [Int] { snapshot.segmentCounts }
  public var wholeSegmentCounts: [Int] { snapshot.wholeSegmentCounts }
  public var tags: [String] { snapshot.tags }
  public var trackIDs: PackedTexts { snapshot.trackIDs }
  var titles: PackedTexts { snapshot.titles }
  public var artistIDs: PackedTexts { snapshot.artistIDs }
  public var artistNames: PackedTexts { snapshot.artistNames }
  public var labels: [UInt8] { snapshot.labels }
  public var hasUntagged: Bool { snapshot.record.options.untagged == true }
  public var terms: SongTerms? { snapshot.terms }
  public var preparedSplit: PreparedSplit? { snapshot.preparedSplit }
  public var standardization: [Feature: Standardization] { snapshot.standardization }

  /// - Throws: as `Snapshot.open`.
  public init(_ path: String) throws {
    name = path
    snapshot = try Snapshot.open(path)
  }

  public func bytesOfSegment(_ feature: Feature) -> Int {
    (snapshot.encodings[feature] ?? .float32).bytes(of: feature) * feature.width
  }

  public func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues {
    try snapshot.values(of: feature, songs: songs)
  }

  public func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues {
    try snapshot.values(of: feature, song: song, segments: segments)
  }

  public func values(of feature: SongFeature, songs: Range<Int>) throws -> [Float] {
    try snapshot.values(of: feature, songs: songs)
  }

  /// Cut from whole songs, or from the first segments, they are what `prepare` would have kept of so many.
  public func identity(of songs: [Int], segments: Int, crop: Crop) -> String {
    guard snapshot.record.options.crop == .first else {
      return "\(identity), \(songs.count) of them, \(segments) segments, \(crop.rawValue)"
    }
    return Snapshot.identity(
      trackIDs: songs.map { trackIDs[$0] }, tags: tags, segments: .count(segments), crop: crop)
  }
}

extension TrainingRun {
  /// The songs that the configuration names. Track files are made into a snapshot in the run's folder first, which a
  /// resumed run finds there; what the snapshot's making decided goes into the configuration. Collective.
  public mutating func songs(_ communicator: any Communicator) throws -> any SongSource {
    if let data = configuration.data { return try communicator.agree { try openSongs(data) } }
    guard let msd = configuration.msd else { throw Failure(.usage, "no songs to train on") }
    let tags = try VocabularyRule(configuration.tags ?? "paper")
    let isCounted = if case .top = tags { true } else { false }
    // Crops that change from epoch to epoch are taken from whole songs.
    let segments = configuration.segments ?? .count(RunConfiguration.defaultSegments)
    let isWhole = segments == .all || configuration.crop == .random
    var options = PreparationOptions(
      trackFiles: msd, lastFMTags: configuration.lastfm, tagSource: configuration.tagSource,
      segments: isWhole ? .all : segments, crop: isWhole ? .first : configuration.crop,
      longest: (isWhole ? configuration.longest : nil) ?? SegmentLimits.taken.upperBound,
      features: configuration.features ?? configuration.model.features, tags: tags,
      minimumTagWeight: configuration.minimumTagWeight,
      join: configuration.join, isStrict: configuration.strict,
      split: isCounted ? try SplitRule(configuration.split) : nil, seed: configuration.seedOfSplit)
    if let targets = configuration.auxiliary {
      (options.keepsUntagged, options.auxiliary) = (true, targets.sources)
    }
    let made = options
    let isThere = try communicator.broadcast {
      resume && FileManager.default.fileExists(atPath: folder.snapshot)
    }
    if isThere {
      let songs = try communicator.agree { try SnapshotSongs(folder.snapshot) }
      try communicator.agree { try songs.refuseOther(made) }
      configuration.join = songs.join
      return songs
    }
    try SnapshotPreparation.run(made, output: folder.snapshot, replacing: true, communicator: communicator)
    let songs = try communicator.agree { try SnapshotSongs(folder.snapshot) }
    configuration.join = songs.join
    return songs
  }
}

extension SnapshotSongs {
  /// The rule by which its songs were joined with their tags.
  fileprivate var join: JoinRule? { snapshot.record.options.join }

  /// Refuses to go on with songs that were made from something else.
  fileprivate func refuseOther(_ options: PreparationOptions) throws {
    let made = snapshot.record.options
    var differences: [String] = []
    func compare(_ name: String, _ was: String, _ now: String) {
      if was != now { differences.append("\(name) was \(was), is now \(now)") }
    }
    compare("msd", made.msd, options.trackFiles)
    compare("lastfm", made.lastfm ?? "none", options.lastFMTags ?? "none")
    compare("tag_source", made.tagSource.rawValue, options.tagSource.rawValue)
    if let join = options.join { compare("join", made.join?.rawValue ?? "none", join.rawValue) }
    if let split = made.split, let seed = made.seed {
      compare("split", split, options.split?.description ?? "none")
      compare("seed", "\(seed)", "\(options.seed)")
    }
    compare("segments", "\(made.segments)", "\(options.segments)")
    compare("crop", made.crop.rawValue, options.crop.rawValue)
    compare("longest", "\(made.longest)", "\(options.longest)")
    compare("features", made.features.rawValue, options.features.rawValue)
    compare("tags", made.tags, options.tags.description)
    compare("auxiliary", made.auxiliary ?? "none", options.auxiliary?.rawValue ?? "none")
    compare("min_tag_weight", "\(made.minTagWeight)", "\(options.minimumTagWeight)")
    guard !differences.isEmpty else { return }
    throw Failure(
      .badData, "\(name): made from other songs: \(differences.joined(separator: "; "))",
      remedy: "go on with the options the run was started with, or start a new one with another --out")
  }
}
