import Diagnosis

/// What a synthetic set is a function of: the same parameters give the same songs, on any number of ranks.
public struct SynthesisParameters: Sendable, Codable, Equatable {
  /// How many songs (track files).
  public var songs: Int
  public var seed: UInt64
  /// Share of songs without a Last.fm record.
  public var missingShare: Double
  /// Of the songs with a record: share whose title or artist is spelled differently in it.
  public var mismatchedShare: Double
  /// Of the songs with a record: share whose list of tags is empty.
  public var emptyShare: Double
  /// Of the songs with a record: share that has tags, but none of the 50 that the pitches tell.
  public var otherTagsShare: Double
  /// Give each song another song's list of tags: the control in which the pitches tell nothing.
  public var permuteTags: Bool

  /// Track ids carry 28 bits of the song's number.
  public static let mostSongs = 1 << 28

  public init(
    songs: Int, seed: UInt64 = 0, missingShare: Double = 0.06, mismatchedShare: Double = 0.14,
    emptyShare: Double = 0.40, otherTagsShare: Double = 0.05, permuteTags: Bool = false
  ) {
    self.songs = songs
    self.seed = seed
    self.missingShare = missingShare
    self.mismatchedShare = mismatchedShare
    self.emptyShare = emptyShare
    self.otherTagsShare = otherTagsShare
    self.permuteTags = permuteTags
  }

  /// Throws `.usage` for numbers that make no sense.
  public func validate() throws {
    guard (1...Self.mostSongs).contains(songs) else {
      throw Failure(.usage, "--songs is \(songs), expected 1 to \(Self.mostSongs)")
    }
    let shares = [
      ("--missing", missingShare), ("--mismatched", mismatchedShare), ("--empty", emptyShare),
      ("--other-tags", otherTagsShare),
    ]
    for (option, share) in shares where !(0...1).contains(share) {
      throw Failure(.usage, "\(option) is \(share), expected a share from 0 to 1")
    }
    guard emptyShare + otherTagsShare <= 1 else {
      throw Failure(
        .usage, "--empty and --other-tags are together \(emptyShare + otherTagsShare), expected at most 1")
    }
  }
}
