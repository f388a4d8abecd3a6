import Splits
import Texts

extension SplitSongs {
  init(
    trackIDs: [String], artistIDs: [String], artistNames: [String] = [], labels: [UInt8] = [], tagCount: Int = 0
  ) {
    self.init(
      trackIDs: PackedTexts(trackIDs), artistIDs: PackedTexts(artistIDs), artistNames: PackedTexts(artistNames),
      labels: labels, tagCount: tagCount)
  }
}
