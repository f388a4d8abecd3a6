/// Decisions in falling order of their probabilities. Sorted once; a resample only weighs its songs anew.
struct Ranking {
  private struct Decision {
    let song: Int32
    let isPositive: Bool
    /// Whether the next one is less likely, not as likely.
    let endsTie: Bool
  }

  private let decisions: [Decision]

  /// Of one tag, or (nil) of all tags together.
  init(_ songs: JudgedSongs, tag: Int?) {
    let places = stride(from: tag ?? 0, to: songs.labels.count, by: tag == nil ? 1 : songs.tagCount)
    // A key that orders as the numbers do in the upper half, the place in the lower: sorted as whole numbers.
    let keys = places.map { UInt64(~Self.key(songs.probabilities[$0])) << 32 | UInt64($0) }.sorted()
    decisions = keys.indices.map { index in
      let place = Int(keys[index] & 0xFFFF_FFFF)
      let isLast = index + 1 == keys.count || keys[index + 1] >> 32 != keys[index] >> 32
      return Decision(
        song: Int32(place / songs.tagCount), isPositive: songs.labels[place] != 0, endsTie: isLast)
    }
  }

  private static func key(_ probability: Float) -> UInt32 {
    let bits = (probability + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }

  /// ROC-AUC and average precision of eight resamples: not a number where a resample has no positive or (ROC-AUC) no
  /// negative. Counts are whole numbers below 2⁵³, so that the AUC is exact but for one rounding.
  func figures(_ weights: [Lanes]) -> (rocAUC: Lanes, averagePrecision: Lanes) {
    var (truePositives, falsePositives) = (Lanes.zero, Lanes.zero)
    var (tiedPositives, tiedNegatives) = (Lanes.zero, Lanes.zero)
    var (twiceWins, precisions) = (Lanes.zero, Lanes.zero)
    var hasPositive = false
    for decision in decisions {
      let weight = weights[Int(decision.song)]
      if decision.isPositive {
        tiedPositives += weight
        hasPositive = true
      } else {
        tiedNegatives += weight
      }
      guard decision.endsTie else { continue }
      twiceWins += tiedNegatives * (truePositives + truePositives + tiedPositives)
      truePositives += tiedPositives
      falsePositives += tiedNegatives
      if hasPositive {
        let retrieved = truePositives + falsePositives
        precisions += tiedPositives * truePositives / pointwiseMax(retrieved, .one)
      }
      (tiedPositives, tiedNegatives, hasPositive) = (.zero, .zero, false)
    }
    return (twiceWins / (2 * truePositives * falsePositives), precisions / truePositives)
  }
}
