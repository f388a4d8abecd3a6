/// How many segments a song may have, and how many may be taken of it: for snapshots, runs and networks alike.
public enum SegmentLimits {
  /// The numbers that may be taken of a song; real songs have up to 3,691 segments.
  public static let taken = 1...65_536

  /// The lengths after which whole songs may be cut. Fewer segments leave the paper's network no step.
  public static let wholeSong = 12...taken.upperBound

  /// The most segments that a song in a track file may have; one with more is taken for damage.
  package static let mostInTrackFile = 1 << 20

  /// Whether so many may be taken of each song.
  public static func allow(_ segments: SegmentChoice) -> Bool { segments.count.map(taken.contains) ?? true }

  /// What is allowed, for messages that refuse another number of segments.
  public static let takenInWords = "a whole number from \(taken.lowerBound) to \(taken.upperBound), or all"

  /// What is allowed, for messages that refuse another length of whole songs.
  public static let wholeSongInWords = "a whole number from \(wholeSong.lowerBound) to \(wholeSong.upperBound)"
}
