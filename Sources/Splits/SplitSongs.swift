import Texts

/// What a split looks at, song by song.
public struct SplitSongs: Sendable {
  public var trackIDs: PackedTexts
  public var artistIDs: PackedTexts
  /// Only for warnings; empty where they are not known.
  public var artistNames: PackedTexts
  /// `[song][tag]`, 0 or 1; only for stratified splits.
  public var labels: [UInt8]
  public var tagCount: Int

  public init(
    trackIDs: PackedTexts, artistIDs: PackedTexts, artistNames: PackedTexts = [], labels: [UInt8] = [],
    tagCount: Int = 0
  ) {
    precondition(trackIDs.count == artistIDs.count, "one artist id for each track id")
    precondition(artistNames.isEmpty || artistNames.count == trackIDs.count, "one name for each track id")
    precondition(labels.isEmpty || labels.count == trackIDs.count * tagCount, "a row of labels for each track id")
    self.trackIDs = trackIDs
    self.artistIDs = artistIDs
    self.artistNames = artistNames
    self.labels = labels
    self.tagCount = tagCount
  }

  public var count: Int { trackIDs.count }
}
