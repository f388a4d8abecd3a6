/// From which probability on a song is best said to have each tag.
public enum DecisionThresholds {
  /// Where nothing tells a better one.
  public static let standard: Float = 0.5

  /// For each tag, of the probabilities that its songs have, the one from which on its decisions have the highest F1; of
  /// equally good ones the highest. `standard` for a tag that no song has, or each.
  ///
  /// - Parameters:
  ///   - probabilities: `[songs × tags]`, row-major.
  ///   - labels: the same shape; any value but 0 means that the song has the tag.
  ///   - tagCount: columns of both tables.
  /// - Throws: `MetricsError` for tables of different sizes, and for what is no number.
  public static func best(probabilities: [Float], labels: [UInt8], tagCount: Int) throws -> [Float] {
    try (0..<tagCount).map { tag in
      try RankedScores(scores: probabilities, labels: labels, start: tag, stride: tagCount).bestThreshold
        ?? standard
    }
  }
}

extension RankedScores {
  /// The score from which on decisions have the highest F1, 2 TP / (2 TP + FP + FN); of equally good ones the highest. Nil
  /// without a positive or without a negative.
  var bestThreshold: Float? {
    guard !positives.isEmpty, !negatives.isEmpty else { return nil }
    var best = (right: 0, said: 0, key: UInt32.max)
    // A score that negatives alone have says more of them, and no more positives, than the one above it.
    forEachPositiveScore { key, right, wrong in
      // Fractions are compared as whole numbers, so that no rounding decides.
      if right * (best.said + positives.count) > best.right * (right + wrong + positives.count) {
        best = (right, right + wrong, key)
      }
    }
    return Self.score(best.key)
  }
}
