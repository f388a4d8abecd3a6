import Diagnosis

/// What `prepare` is to do; all of it is recorded in the snapshot.
public struct PreparationOptions: Sendable, Equatable {
  /// The track files: a tree of them, one file, or a list.
  public var trackTree: String
  /// The Last.fm tags: a tree of records, or the database; nil where the tags stand in the track files.
  public var lastFMTree: String?
  public var tagSource: TagSource
  /// Segments taken from the start of each song; shorter songs are left out.
  public var segments: Int
  public var tags: VocabularyRule
  /// A tag counts from this weight on, in the terms of its source (Last.fm: 0 to 100).
  public var minimumTagWeight: Double
  /// Nil: the strictest that the source of tags allows.
  public var join: JoinRule?
  /// Whether a bad file ends the run instead of being listed and left out.
  public var isStrict: Bool

  public init(
    trackTree: String, lastFMTree: String?, tagSource: TagSource = .lastFM, segments: Int,
    tags: VocabularyRule = .paper, minimumTagWeight: Double = 0, join: JoinRule? = nil, isStrict: Bool = false
  ) {
    self.trackTree = trackTree
    self.lastFMTree = lastFMTree
    self.tagSource = tagSource
    self.segments = segments
    self.tags = tags
    self.minimumTagWeight = minimumTagWeight
    self.join = join
    self.isStrict = isStrict
  }

  /// The most segments a snapshot may hold of each song; real songs have up to 3,691.
  public static let mostSegments = 65_536

  /// Throws `usage` for options that cannot be.
  public func validate() throws {
    guard (1...PreparationOptions.mostSegments).contains(segments) else {
      throw Failure(
        .usage, "--segments \(segments): expected 1 to \(PreparationOptions.mostSegments)"
      ).knownToAllRanks
    }
    guard minimumTagWeight.isFinite else {
      throw Failure(.usage, "--min-tag-weight \(minimumTagWeight): expected a number").knownToAllRanks
    }
    try PreparationOptions.checkTagSource(tagSource, lastFM: lastFMTree, join: join)
  }

  /// Throws `usage` where the source of tags does not fit what else is said of tags.
  public static func checkTagSource(_ source: TagSource, lastFM: String?, join: JoinRule?) throws {
    if source == .lastFM {
      guard lastFM == nil else { return }
      throw Failure(
        .usage, "--lastfm PATH is missing, where the songs' tags are",
        remedy: "or --tag-source artist-terms or artist-mbtags, which stand in the track files"
      ).knownToAllRanks
    }
    for (option, value) in [("--lastfm", lastFM), ("--join", join?.rawValue)] {
      guard let value else { continue }
      throw Failure(
        .usage, "\(option) \(value) is of no use with --tag-source \(source.rawValue)",
        remedy: "those tags stand in the track files: leave out \(option)"
      ).knownToAllRanks
    }
  }
}

/// How far the preparation is; told to rank 0 alone.
public struct PreparationProgress: Sendable, Equatable {
  public enum Phase: String, Sendable {
    case findingFiles = "finding files"
    case countingTags = "counting tags"
    case readingSongs = "reading songs"
  }

  public var phase: Phase
  /// Track files done by all ranks together (between exchanges an estimate from rank 0's own).
  public var done: Int
  /// Track files in all; 0 while they are being found.
  public var total: Int
}

/// What the preparation did.
public struct PreparationReport: Sendable {
  public var counts: SongCounts
  public var distribution: SegmentDistribution
  public var vocabulary: Vocabulary
  public var encoding: PitchEncoding
  /// Every bad file with its cause, in the order of file names; on rank 0, empty elsewhere.
  public var skipped: [SkippedFile]
  /// Every song whose Last.fm record is another song's; on rank 0, empty elsewhere.
  public var mismatches: [Mismatch]
  /// What the user should know beside: choices that the program made.
  public var notes: [String] = []
}
