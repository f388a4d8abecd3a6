import Diagnosis
import Networks
import Segments
import Splits
import Tags
import Texts

/// The songs a run learns from, in a fixed order; a song's number is its row.
///
/// What training asks of its data and nothing more: a snapshot answers it, and tests answer it from memory.
public protocol SongSource: AnyObject {
  /// For messages: the file.
  var name: String { get }
  /// Tells two sets of songs, tags or lengths apart.
  var identity: String { get }
  /// Values of a feature at each segment.
  var rows: Int { get }
  /// Whether it is known which songs are one artist's; where not, each has one of its own.
  var knowsArtists: Bool { get }
  /// What there is of the segments.
  var features: FeatureSelection { get }
  /// Segments of every song, or all that each has.
  var segments: SegmentChoice { get }
  /// How many segments of each song there are.
  var segmentCounts: [Int] { get }
  /// How many each song has in all, as far as that is known.
  var wholeSegmentCounts: [Int] { get }
  /// In the order of the labels' columns.
  var tags: [String] { get }
  var trackIDs: PackedTexts { get }
  var artistIDs: PackedTexts { get }
  /// For messages; empty where they are not known.
  var artistNames: PackedTexts { get }
  /// `[song][tag]`, 0 or 1.
  var labels: [UInt8] { get }
  /// Whether there are songs whose tags are not known, which have no label; else a song without a label has none of the
  /// tags.
  var hasUntagged: Bool { get }
  /// Words of each song beside its tags; nil where they are not known.
  var terms: SongTerms? { get }
  /// The split that came with these songs; nil where none did.
  var preparedSplit: PreparedSplit? { get }
  /// Of all segments of that split's training songs, by feature; empty where that is not known.
  var standardization: [Feature: Standardization] { get }
  /// Bytes that a segment of a feature takes.
  func bytesOfSegment(_ feature: Feature) -> Int
  /// `[song][segment][value]` of songs in a row, all their segments.
  func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues
  /// `[segment][value]` of some of a song's segments.
  func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues
  /// `[song][width]` of songs in a row.
  func values(of feature: SongFeature, songs: Range<Int>) throws -> [Float]
  /// What `identity` would be of some of the songs, cut to so many segments.
  func identity(of songs: [Int], segments: Int, crop: Crop) -> String
}

extension SongSource {
  public var rows: Int { Feature.rows }
  public var knowsArtists: Bool { true }
  public var hasUntagged: Bool { false }
  public var terms: SongTerms? { nil }
  public var wholeSegmentCounts: [Int] { segmentCounts }
  public var preparedSplit: PreparedSplit? { nil }
  public var standardization: [Feature: Standardization] { [:] }

  public func values(of feature: SongFeature, songs: Range<Int>) throws -> [Float] {
    throw Failure(.fault, "\(name): has no \(feature.rawValue)")
  }

  /// - Throws: `badData` where a network takes songs of other rows.
  func refuseOtherRows(than network: Network) throws {
    guard !features.isOfSegments, rows != network.input.rows else { return }
    throw Failure(
      .badData,
      "\(name): has \(rows) bands at each frame, expected \(network.input.rows), which the windows "
        + "of the network leave one row of",
      remedy:
        "choose a --model for them, such as choi2016 for 96 bands, or --pooling whose heights multiply to \(rows)")
  }

  public func identity(of songs: [Int], segments: Int, crop: Crop) -> String {
    "\(identity), \(songs.count) of them, \(segments) segments, \(crop.rawValue)"
  }
}

/// The songs of a source that are long enough for a run, in the source's order and numbered anew: as if no others
/// had ever been there.
final class ChosenSongs: SongSource {
  /// Rows of the source.
  private let places: [Int]
  private let base: any SongSource
  let identity: String
  let segmentCounts: [Int]
  let trackIDs: PackedTexts
  let artistIDs: PackedTexts
  let artistNames: PackedTexts
  let labels: [UInt8]
  let preparedSplit: PreparedSplit?
  let terms: SongTerms?

  /// The source itself where it is taken as it is.
  ///
  /// - Parameter fewest: segments that a song must have.
  /// - Throws: `badData` where no song has them.
  static func of(_ source: any SongSource, _ input: SongInput, fewest: Int) throws -> any SongSource {
    let counts = source.segmentCounts
    let least = max(fewest, input.segments.count ?? 0)
    let rows = counts.indices.filter { counts[$0] >= least }
    guard !rows.isEmpty else {
      throw Failure(
        .badData, "\(source.name): none of its \(counts.count) songs has the \(least) segments that are needed",
        remedy: "train with fewer --segments")
    }
    let isWhole = rows.count == counts.count
    if isWhole && input.segments == source.segments { return source }
    return ChosenSongs(source, rows, input)
  }

  private init(_ base: any SongSource, _ rows: [Int], _ input: SongInput) {
    self.base = base
    places = rows
    let tags = base.tags.count
    segmentCounts = rows.map { base.segmentCounts[$0] }
    let (allTracks, allArtists, allNames) = (base.trackIDs, base.artistIDs, base.artistNames)
    trackIDs = PackedTexts(rows.lazy.map { allTracks[$0] })
    artistIDs = PackedTexts(rows.lazy.map { allArtists[$0] })
    artistNames = allNames.isEmpty ? [] : PackedTexts(rows.lazy.map { allNames[$0] })
    preparedSplit = base.preparedSplit?.of(rows)
    terms = base.terms?.of(rows)
    labels = rows.flatMap { base.labels[$0 * tags..<($0 + 1) * tags] }
    identity =
      input.segments.count.map { base.identity(of: rows, segments: $0, crop: input.crop) }
      ?? "\(base.identity), \(rows.count) of them"
  }

  var name: String { base.name }
  var wholeSegmentCounts: [Int] {
    let counts = base.wholeSegmentCounts
    return places.map { counts[$0] }
  }
  var rows: Int { base.rows }
  var knowsArtists: Bool { base.knowsArtists }
  var features: FeatureSelection { base.features }
  var segments: SegmentChoice { base.segments }
  var tags: [String] { base.tags }
  var hasUntagged: Bool { base.hasUntagged }

  func bytesOfSegment(_ feature: Feature) -> Int { base.bytesOfSegment(feature) }

  func values(of feature: Feature, songs: Range<Int>) throws -> SegmentValues {
    .joined(try consecutive(places[songs]).map { try base.values(of: feature, songs: $0) })
  }

  func values(of feature: Feature, song: Int, segments: Range<Int>) throws -> SegmentValues {
    try base.values(of: feature, song: places[song], segments: segments)
  }

  func values(of feature: SongFeature, songs: Range<Int>) throws -> [Float] {
    try consecutive(places[songs]).flatMap { try base.values(of: feature, songs: $0) }
  }
}

/// Maximal ranges of successive numbers.
func consecutive(_ numbers: some Sequence<Int>) -> [Range<Int>] {
  var runs: [Range<Int>] = []
  for number in numbers {
    if let last = runs.last, last.upperBound == number {
      runs[runs.count - 1] = last.lowerBound..<number + 1
    } else {
      runs.append(number..<number + 1)
    }
  }
  return runs
}
