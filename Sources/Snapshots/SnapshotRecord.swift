import Foundation
import Segments
import Tags

/// What a snapshot says of its making.
public struct SnapshotRecord: Codable, Equatable, Sendable {
  /// The options of `prepare`, as far as they decide what is in the snapshot.
  public struct Options: Codable, Equatable, Sendable {
    public var msd: String
    public var tagSource: TagSource
    /// Nil where the tags stand in the track files; so is `join`.
    public var lastfm: String?
    public var segments: SegmentChoice
    public var crop: Crop
    public var longest: Int
    public var features: FeatureSelection
    public var tags: String
    public var minTagWeight: Double
    public var join: JoinRule?
    public var strict: Bool
    /// The split that the snapshot keeps, and its seed; nil where it keeps none.
    public var split: String?
    public var seed: UInt64?
    /// True where songs without a tag are kept too; nil where they are not.
    public var untagged: Bool?
    /// Where the words come from that are kept beside the tags; nil where there are none.
    public var auxiliary: String?

    package init(
      msd: String, tagSource: TagSource, lastfm: String?, segments: SegmentChoice, crop: Crop, longest: Int,
      features: FeatureSelection, tags: String, minTagWeight: Double, join: JoinRule?, strict: Bool,
      split: String?, seed: UInt64?, untagged: Bool? = nil, auxiliary: String? = nil
    ) {
      self.msd = msd
      self.tagSource = tagSource
      self.lastfm = lastfm
      self.segments = segments
      self.crop = crop
      self.longest = longest
      self.features = features
      self.tags = tags
      self.minTagWeight = minTagWeight
      self.join = join
      self.strict = strict
      self.split = split
      self.seed = seed
      self.untagged = untagged
      self.auxiliary = auxiliary
    }

    enum CodingKeys: String, CodingKey {
      case msd
      case tagSource = "tag_source"
      case lastfm, segments, crop, longest, features, tags
      case minTagWeight = "min_tag_weight"
      case join, strict, split, seed, untagged, auxiliary
    }
  }

  public var options: Options
  public var counts: SongCounts
  public var distribution: SegmentDistribution
  public var tags: [String]

  package init(options: Options, counts: SongCounts, distribution: SegmentDistribution, tags: [String]) {
    self.options = options
    self.counts = counts
    self.distribution = distribution
    self.tags = tags
  }

  /// JSON with sorted keys, so that equal records are equal texts.
  static func json(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
