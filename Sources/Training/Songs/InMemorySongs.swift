import Segments
import Tags
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
  public let terms: SongTerms?
  public let hasUntagged: Bool
  private let values: [Feature: [Float]]
  private let songValues: [SongFeature: [Float]]
  /// Where each song's segments start.
  private let starts: [Int]

  /// Songs that are all equally long, of which the pitches are known.
  /// - Parameters:
  ///   - name: for messages.
  ///   - segments: of every song.
  ///   - tags: in the order of the labels' columns.
  ///   - trackIDs: one for each song.
  ///   - artistIDs: one for each song.
  ///   - artistNames: one for each song, for messages; empty where they are not known.
  ///   - labels: `[song][tag]`
  ///   - features: `[song][segment][pitch class]`
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
  ///   - name: for messages.
  ///   - segments: of every song, or all that each has.
  ///   - lengths: segments of each song.
  ///   - tags: in the order of the labels' columns.
  ///   - trackIDs: one for each song.
  ///   - artistIDs: one for each song.
  ///   - artistNames: one for each song, for messages; empty where they are not known.
  ///   - labels: `[song][tag]`
  ///   - values: of each feature `[song][segment][width]`.
  ///   - songValues: of each feature of whole songs `[song][width]`.
  ///   - terms: words of each song beside its tags; nil where they are not known.
  ///   - hasUntagged: whether the tags of a song without a label are not known; else it has none of them.
  public init(
    name: String = "songs in memory", segments: SegmentChoice, lengths: [Int], tags: [String], trackIDs: [String],
    artistIDs: [String], artistNames: [String] = [], labels: [UInt8], values: [Feature: [Float]],
    songValues: [SongFeature: [Float]] = [:], terms: SongTerms? = nil, hasUntagged: Bool = false
  ) {
    precondition(artistIDs.count == trackIDs.count && labels.count == trackIDs.count * tags.count)
    precondition(lengths.count == trackIDs.count && !values.isEmpty)
    precondition(values.allSatisfy { $1.count == lengths.reduce(0, +) * $0.width })
    precondition(songValues.allSatisfy { $1.count == lengths.count * $0.width })
    self.name = name
    identity = "\(trackIDs.count) songs, \(segments) segments, \(tags.count) tags"
    features = FeatureSelection(Set(values.keys), ofSong: Set(songValues.keys))
    self.segments = segments
    segmentCounts = lengths
    self.tags = tags
    self.trackIDs = PackedTexts(trackIDs)
    self.artistIDs = PackedTexts(artistIDs)
    self.artistNames = PackedTexts(artistNames)
    self.labels = labels
    self.values = values
    self.songValues = songValues
    self.terms = terms
    self.hasUntagged = hasUntagged
    starts = lengths.reduce(into: [0]) { $0.append($0.last! + $1) }
  }

  public func bytesOfSegment(_ feature: Feature) -> Int { 4 * feature.width }

  public func values(of feature: Feature, songs: Range<Int>) -> SegmentValues {
    slice(feature, starts[songs.lowerBound]..<starts[songs.upperBound])
  }

  public func values(of feature: Feature, song: Int, segments: Range<Int>) -> SegmentValues {
    slice(feature, starts[song] + segments.lowerBound..<starts[song] + segments.upperBound)
  }

  private func slice(_ feature: Feature, _ segments: Range<Int>) -> SegmentValues {
    .floats(
      Array((values[feature] ?? [])[segments.lowerBound * feature.width..<segments.upperBound * feature.width]))
  }

  public func values(of feature: SongFeature, songs: Range<Int>) -> [Float] {
    Array((songValues[feature] ?? [])[songs.lowerBound * feature.width..<songs.upperBound * feature.width])
  }
}
