import MillionSong

/// The songs a run learns from, in a fixed order; a song's number is its row.
///
/// What training asks of its data and nothing more: a snapshot answers it, and tests answer it from memory.
public protocol SongSource: AnyObject {
  /// For messages: the file.
  var name: String { get }
  /// Tells two sets of songs, tags or lengths apart.
  var identity: String { get }
  /// Segments of every song.
  var segments: Int { get }
  /// In the order of the labels' columns.
  var tags: [String] { get }
  var trackIDs: [String] { get }
  var artistIDs: [String] { get }
  /// For messages; empty where they are not known.
  var artistNames: [String] { get }
  /// `[song][tag]`, 0 or 1.
  var labels: [UInt8] { get }
  /// The split that these songs and tags were made for; nil where any will do.
  var preparedSplit: PreparedSplit? { get }
  /// `[song][segment][pitch class]` of songs in a row.
  func pitchValues(of songs: Range<Int>) throws -> SegmentValues
}

extension SongSource {
  public var preparedSplit: PreparedSplit? { nil }
}

/// Songs that are in memory.
public final class InMemorySongs: SongSource {
  public let name: String
  public let identity: String
  public let segments: Int
  public let tags: [String]
  public let trackIDs: [String]
  public let artistIDs: [String]
  public let artistNames: [String]
  public let labels: [UInt8]
  private let features: [Float]

  /// - Parameters:
  ///   - features: `[song][segment][pitch class]`
  ///   - labels: `[song][tag]`
  public init(
    name: String = "songs in memory", segments: Int, tags: [String], trackIDs: [String], artistIDs: [String],
    artistNames: [String] = [], labels: [UInt8], features: [Float]
  ) {
    precondition(artistIDs.count == trackIDs.count && labels.count == trackIDs.count * tags.count)
    precondition(features.count == trackIDs.count * segments * Track.pitchClasses)
    self.name = name
    identity = "\(trackIDs.count) songs, \(segments) segments, \(tags.count) tags"
    self.segments = segments
    self.tags = tags
    self.trackIDs = trackIDs
    self.artistIDs = artistIDs
    self.artistNames = artistNames
    self.labels = labels
    self.features = features
  }

  public func pitchValues(of songs: Range<Int>) -> SegmentValues {
    let width = segments * Track.pitchClasses
    return .floats(Array(features[songs.lowerBound * width..<songs.upperBound * width]))
  }
}
