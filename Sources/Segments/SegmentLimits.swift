/// How many segments a song may have.
public enum SegmentLimits {
  /// The most segments that may be taken of a song, by a snapshot or a run; real songs have up to 3,691.
  public static let mostTaken = 65_536

  /// The most segments that a song in a track file may have; one with more is taken for damage.
  public static let mostInTrackFile = 1 << 20

  /// The segments that the shortest whole song has: fewer leave the paper's network no step.
  public static let fewestOfWholeSong = 12
}
