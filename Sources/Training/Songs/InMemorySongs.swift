import Segments
import Texts

/// Songs that are in memory.
public final class InMemorySongs: SongSource {
  public let name: String
  public let identity: String
  public let features: FeatureSelection
  public let segments: SegmentChoice
  public let segmentCounts: [Int]
  public let tags: [String]
  public let trackIDs: PackedTexts
  public let artistIDs: PackedTexts
  public let artistNames: PackedTexts
  public let labels: [UInt8]
  private let values: [Feature: [Float]]
  /// Where each song's segments start.
  private let starts: [Int]

  /// Songs that are all equally long, of which the pitches are known.
  /// - Parameters:
  ///   - features: `[song][segment][pitch class]`
  ///   - labels: `[song][tag]`
  public convenience init(
    name: String = "songs in memory", segments: Int, tags: [String], trackIDs: [String], artistIDs: [String],
    artistNames: [String] = [], labels: [UInt8], features: [Float]
  ) {
    self.init(
      name: name, segments: .count(segments), lengths: trackIDs.map { _ in segments }, tags: tags,
      trackIDs: trackIDs, artistIDs: artistIDs, artistNames: artistNames, labels: labels,
      values: [.pitches: features])
  }

  /// - Parameters:
  ///   - lengths: segments of each song.
  ///   - labels: `[song][tag]`
  ///   - values: of each feature `[song][segment][12]`.
  public init(
    name: String = "songs in memory", segments: SegmentChoice, lengths: [Int], tags: [String], trackIDs: [String],
    artistIDs: [String], artistNames: [String] = [], labels: [UInt8], values: [Feature: [Float]]
  ) {
    precondition(artistIDs.count == trackIDs.count && labels.count == trackIDs.count * tags.count)
    precondition(lengths.count == trackIDs.count && !values.isEmpty)
    precondition(values.values.allSatisfy { $0.count == lengths.reduce(0, +) * Feature.width })
    self.name = name
    identity = "\(trackIDs.count) songs, \(segments) segments, \(tags.count) tags"
    features = values.count == 2 ? .both : values[.timbre] == nil ? .pitches : .timbre
    self.segments = segments
    segmentCounts = lengths
    self.tags = tags
    self.trackIDs = PackedTexts(trackIDs)
    self.artistIDs = PackedTexts(artistIDs)
    self.artistNames = PackedTexts(artistNames)
    self.labels = labels
    self.values = values
    starts = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
  }

  public func bytesOfSegment(_ feature: Feature) -> Int { 4 * Feature.width }

  public func values(of feature: Feature, songs: Range<Int>) -> SegmentValues {
    slice(feature, starts[songs.lowerBound]..<starts[songs.upperBound])
  }

  public func values(of feature: Feature, song: Int, segments: Range<Int>) -> SegmentValues {
    slice(feature, starts[song] + segments.lowerBound..<starts[song] + segments.upperBound)
  }

  private func slice(_ feature: Feature, _ segments: Range<Int>) -> SegmentValues {
    .floats(
      Array((values[feature] ?? [])[segments.lowerBound * Feature.width..<segments.upperBound * Feature.width]))
  }
}
