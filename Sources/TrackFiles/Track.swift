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
  /// Of the segments that were asked for, 12 values each; nil where they were not.
  public var pitches: SegmentValues?
  public var timbre: SegmentValues?
  /// Tags of its artist that stand in its own file; nil where they were not asked for.
  public var artistTags: [WeightedTag]?

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

  /// A feature's values; nil where they were not asked for.
  public subscript(feature: Feature) -> SegmentValues? {
    get {
      switch feature {
      case .pitches: pitches
      case .timbre: timbre
      case .spectrogram: nil
      }
    }
    set {
      switch feature {
      case .pitches: pitches = newValue
      case .timbre: timbre = newValue
      case .spectrogram: preconditionFailure("a track file has no spectrogram")
      }
    }
  }
}
