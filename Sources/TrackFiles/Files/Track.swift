import Segments

/// One song of the Million Song Dataset, as far as tagging needs it.
public struct Track: Sendable, Equatable {
  public static let pitchClasses = 12

  public var trackID: String
  public var title: String
  public var artistName: String
  public var artistID: String
  /// Segments that the song has, whatever was read of them.
  public var segmentCount: Int
  /// Of the segments that were asked for, by feature; those that were not are missing.
  public var values: [Feature: SegmentValues] = [:]
  /// Of the whole song, likewise.
  public var songValues: [SongFeature: [Float]] = [:]
  /// Tags of its artist that stand in its own file; nil where they were not asked for.
  public var artistTags: [WeightedTag]?
  /// What else its own file says of its artist, as targets beside the tags; nil where it was not asked for.
  public var terms: [WeightedTag]?

  public init(
    trackID: String, title: String, artistName: String, artistID: String, segmentCount: Int,
    pitches: SegmentValues? = nil, timbre: SegmentValues? = nil
  ) {
    self.trackID = trackID
    self.title = title
    self.artistName = artistName
    self.artistID = artistID
    self.segmentCount = segmentCount
    self.pitches = pitches
    self.timbre = timbre
  }

  public var pitches: SegmentValues? {
    get { values[.pitches] }
    set { values[.pitches] = newValue }
  }

  public var timbre: SegmentValues? {
    get { values[.timbre] }
    set { values[.timbre] = newValue }
  }

  /// A feature's values; nil where they were not asked for.
  public subscript(feature: Feature) -> SegmentValues? {
    get { values[feature] }
    set { values[feature] = newValue }
  }
}
