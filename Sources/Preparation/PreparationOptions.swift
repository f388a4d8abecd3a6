import Diagnosis
import Segments
import Splits
import Tags

/// What `prepare` is to do; all of it is recorded in the snapshot.
public struct PreparationOptions: Sendable, Equatable {
  /// The track files: a tree of them, one file, or a list.
  public var trackFiles: String
  /// The Last.fm tags: a tree of records, or the database; nil where the tags stand in the track files.
  public var lastFMTags: String?
  public var tagSource: TagSource
  /// Segments taken of each song; shorter songs are left out.
  public var segments: SegmentChoice
  /// Which ones, where a number of them is taken: the first or those in the middle.
  public var crop: Crop
  /// Whole songs are cut after so many segments.
  public var longest: Int
  /// What is kept of the segments.
  public var features: FeatureSelection
  public var tags: VocabularyRule
  /// Divides the songs: into those whose tags a vocabulary of the most frequent counts and others (nil: by the rule
  /// that training has by itself), or, where the vocabulary is fixed, as training by this rule would (nil: not).
  public var split: SplitRule?
  /// Decides how the split falls.
  public var seed: UInt64
  /// A tag counts from this weight on, in the terms of its source (Last.fm: 0 to 100).
  public var minimumTagWeight: Double
  /// Nil: the strictest that the source of tags allows.
  public var join: JoinRule?
  /// Whether a bad file ends the run instead of being listed and left out.
  public var isStrict: Bool
  /// Whether songs without a tag are kept too, joined or not: what else is known of them can be learnt from.
  public var keepsUntagged = false
  /// What is kept for a network to learn beside the tags; nil: nothing.
  public var auxiliary: AuxiliarySources?

  public init(
    trackFiles: String, lastFMTags: String?, tagSource: TagSource = .lastFM, segments: SegmentChoice,
    crop: Crop = .first, longest: Int = SegmentLimits.taken.upperBound, features: FeatureSelection = .pitches,
    tags: VocabularyRule = .paper, minimumTagWeight: Double = 0, join: JoinRule? = nil, isStrict: Bool = false,
    split: SplitRule? = nil, seed: UInt64 = 1
  ) {
    self.trackFiles = trackFiles
    self.lastFMTags = lastFMTags
    self.tagSource = tagSource
    self.segments = segments
    self.crop = crop
    self.longest = longest
    self.features = features
    self.tags = tags
    self.minimumTagWeight = minimumTagWeight
    self.join = join
    self.isStrict = isStrict
    self.split = split
    self.seed = seed
  }

  /// The segments that a song must have to be kept.
  public var fewestSegments: Int { segments.fewest }

  /// The segments that are read of a song.
  var window: SegmentWindow {
    guard let count = segments.count else { return .first(longest) }
    return crop == .middle ? .middle(count) : .first(count)
  }

  /// Throws `usage` for options that cannot be.
  /// - Parameter needsTags: whether a source of tags must be among them.
  public func validate(needsTags: Bool = true) throws {
    func require(_ condition: Bool, _ message: @autoclosure () -> String, remedy: String? = nil) throws {
      if !condition { throw Failure(.usage, message(), remedy: remedy).knownToAllRanks }
    }
    try require(
      SegmentLimits.allow(segments), "--segments: found \"\(segments)\", expected \(SegmentLimits.takenInWords)")
    try require(
      SegmentLimits.wholeSong.contains(longest),
      "--longest: found \"\(longest)\", expected \(SegmentLimits.wholeSongInWords)")
    try require(
      longest == SegmentLimits.wholeSong.upperBound || segments == .all,
      "--longest is of use with --segments all only",
      remedy: "--segments \(segments) takes that many of every song")
    try require(
      crop != .random, "--crop random: a snapshot keeps the same segments for every epoch",
      remedy: "prepare --segments all keeps whole songs; train --segments N --crop random takes from them")
    try require(
      crop == .first || segments != .all, "--crop \(crop.rawValue): --segments all keeps whole songs",
      remedy: "--segments N --crop \(crop.rawValue), here or in train")
    guard minimumTagWeight.isFinite else {
      throw Failure(.usage, "--min-tag-weight \(minimumTagWeight): expected a number").knownToAllRanks
    }
    if needsTags { try tagSource.check(lastFM: lastFMTags, join: join) }
    try checkSplit()
  }

  /// The split that the snapshot keeps; nil where it keeps none.
  var keptSplit: SplitRule? { tags.isCounted ? split ?? SplitRule.standard : split }

  /// Throws `usage` for a split where there is no snapshot to keep it and no tag to be counted.
  func refuseUselessSplit() throws {
    guard let split, !tags.isCounted else { return }
    throw Failure(
      .usage, "--split \(split) is of no use here with --tags \(tags)",
      remedy: "it decides which songs --tags top:K counts, and what split a snapshot of prepare keeps"
    ).knownToAllRanks
  }

  private func checkSplit() throws {
    if let split, split.needsLabels, tags.isCounted {
      throw Failure(
        .usage, "--split \(split) cannot decide which songs --tags \(tags) counts: it looks at the tags itself",
        remedy: "count them on a split such as artist:0.8/0.1/0.1, or give a list of tags"
      ).knownToAllRanks
    }
  }
}
