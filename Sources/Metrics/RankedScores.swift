/// The scores of positives and of negatives, each in ascending order: what ROC-AUC and average precision are
/// functions of.
///
/// Scores are kept as 32-bit keys whose unsigned order is the order of the numbers, so that a million songs of
/// fifty tags pooled (5·10⁷ decisions) are sorted by radix in a second or two.
struct RankedScores {
  let positives: [UInt32]
  let negatives: [UInt32]

  /// Every `stride`-th decision from `start` on: one tag's column of a row-major table, or (stride 1) all.
  init(scores: [Float], labels: [UInt8], start: Int = 0, stride step: Int = 1) throws {
    guard scores.count == labels.count else {
      throw MetricsError.unequalCounts(scores: scores.count, labels: labels.count)
    }
    var positives: [UInt32] = []
    var negatives: [UInt32] = []
    for index in stride(from: start, to: scores.count, by: step) {
      guard !scores[index].isNaN else { throw MetricsError.notANumber(index: index) }
      if labels[index] != 0 {
        positives.append(Self.key(scores[index]))
      } else {
        negatives.append(Self.key(scores[index]))
      }
    }
    radixSort(&positives)
    radixSort(&negatives)
    self.positives = positives
    self.negatives = negatives
  }

  /// A key that orders as the numbers do; negative zero equals zero.
  private static func key(_ score: Float) -> UInt32 {
    let bits = (score + 0).bitPattern
    return bits >> 31 == 1 ? ~bits : bits | 0x8000_0000
  }

  /// The number that a key stands for.
  static func score(_ key: UInt32) -> Float { Float(bitPattern: key >> 31 == 1 ? key & 0x7FFF_FFFF : ~key) }

  /// The area under the ROC curve: the probability that a random positive scores above a random negative, ties
  /// counting half (Mann and Whitney's U over the number of pairs). Counted in whole numbers, so exact but for
  /// one rounding. Nil without a positive or without a negative.
  var rocAUC: Double? {
    guard !positives.isEmpty, !negatives.isEmpty else { return nil }
    var twiceWins: UInt64 = 0
    var below = 0
    var notAbove = 0
    for key in positives {
      while below < negatives.count, negatives[below] < key { below += 1 }
      notAbove = max(notAbove, below)
      while notAbove < negatives.count, negatives[notAbove] == key { notAbove += 1 }
      twiceWins += UInt64(below + notAbove)
    }
    return Double(twiceWins) / (2 * Double(positives.count) * Double(negatives.count))
  }

  /// Average precision: Σ (Rₙ − Rₙ₋₁) Pₙ over the distinct scores from the highest down, as scikit-learn's
  /// `average_precision_score` defines it. Nil without a positive.
  var averagePrecision: Double? {
    guard !positives.isEmpty else { return nil }
    var (sum, before) = (0.0, 0)
    forEachPositiveScore { _, truePositives, falsePositives in
      sum += Double(truePositives - before) * Double(truePositives) / Double(truePositives + falsePositives)
      before = truePositives
    }
    return sum / Double(positives.count)
  }

  /// Calls the body for each distinct score that a positive has, from the highest down, with how many positives and how
  /// many negatives score at least so high.
  func forEachPositiveScore(_ body: (_ key: UInt32, _ truePositives: Int, _ falsePositives: Int) -> Void) {
    var truePositives = 0
    var falsePositives = 0
    while truePositives < positives.count {
      let key = positives[positives.count - 1 - truePositives]
      while truePositives < positives.count, positives[positives.count - 1 - truePositives] == key {
        truePositives += 1
      }
      while falsePositives < negatives.count, negatives[negatives.count - 1 - falsePositives] >= key {
        falsePositives += 1
      }
      body(key, truePositives, falsePositives)
    }
  }
}
