import FileTrees
import Segments
import Snapshots
import Tags

/// What the preparation did.
public struct PreparationReport: Sendable {
  public var counts: SongCounts
  public var distribution: SegmentDistribution
  public var vocabulary: Vocabulary
  /// How each feature is kept.
  public var encodings: [Feature: ValueEncoding]
  /// The first thousand bad files with their causes, in the order of file names; on rank 0, empty elsewhere. The
  /// list beside the snapshot has all.
  public var skipped: [SkippedFile]
  /// The first thousand songs whose Last.fm record is another song's, likewise.
  public var mismatches: [Mismatch]
  /// What the user should know beside: choices that the program made.
  public var notes: [String] = []
  /// Songs that were kept without a tag.
  public var untagged = 0

  /// How many bad files and mismatches a report names.
  static let mostNamed = 1_000
}
