/// Probabilities of songs beside the songs' tags: what a network, or any other method, is judged by.
public struct JudgedSongs: Sendable, Equatable {
  /// Each song's own.
  public let trackIDs: [String]
  /// Songs with the same artist are no independent witnesses; empty where the artist is not known.
  public let artistIDs: [String]
  /// `[song][tag]`, row-major; any value but 0 means that the song has the tag.
  public let labels: [UInt8]
  /// The same shape; higher for more likely, never NaN.
  public let probabilities: [Float]
  public let tagCount: Int

  public var count: Int { trackIDs.count }

  public init(
    trackIDs: [String], artistIDs: [String], labels: [UInt8], probabilities: [Float], tagCount: Int
  ) {
    precondition(artistIDs.count == trackIDs.count, "one artist for each song")
    precondition(labels.count == trackIDs.count * tagCount, "a row of labels for each song")
    precondition(probabilities.count == labels.count, "as many probabilities as labels")
    self.trackIDs = trackIDs
    self.artistIDs = artistIDs
    self.labels = labels
    self.probabilities = probabilities
    self.tagCount = tagCount
  }

  /// The same songs, with the artists that others say of them.
  public func withArtists(of other: JudgedSongs) -> JudgedSongs {
    JudgedSongs(
      trackIDs: trackIDs, artistIDs: other.artistIDs, labels: labels, probabilities: probabilities,
      tagCount: tagCount)
  }

  /// Some of the songs, in the order given.
  public func picked(_ songs: [Int]) -> JudgedSongs {
    func rows<Value>(_ values: [Value]) -> [Value] {
      songs.flatMap { values[$0 * tagCount..<($0 + 1) * tagCount] }
    }
    return JudgedSongs(
      trackIDs: songs.map { trackIDs[$0] }, artistIDs: songs.map { artistIDs[$0] }, labels: rows(labels),
      probabilities: rows(probabilities), tagCount: tagCount)
  }
}
