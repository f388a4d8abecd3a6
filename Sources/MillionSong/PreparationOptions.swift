import Diagnosis

/// What `prepare` is to do; all of it is recorded in the snapshot.
public struct PreparationOptions: Sendable, Equatable {
  /// The tree of track files.
  public var trackTree: String
  /// The tree of Last.fm records.
  public var lastFMTree: String
  /// Segments taken from the start of each song; shorter songs are left out.
  public var segments: Int
  public var tags: VocabularyRule
  /// A tag counts from this weight on (Last.fm: 0 to 100).
  public var minimumTagWeight: Double
  public var join: JoinRule
  /// Whether a bad file ends the run instead of being listed and left out.
  public var isStrict: Bool

  public init(
    trackTree: String, lastFMTree: String, segments: Int, tags: VocabularyRule = .paper,
    minimumTagWeight: Double = 0, join: JoinRule = .paper, isStrict: Bool = false
  ) {
    self.trackTree = trackTree
    self.lastFMTree = lastFMTree
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
}
