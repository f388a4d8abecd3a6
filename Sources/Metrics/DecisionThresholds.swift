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
  /// - Throws: `MetricsError` for tables of different sizes, and for what is no number.
  public static func best(probabilities: [Float], labels: [UInt8], tagCount: Int) throws -> [Float] {
    guard probabilities.count == labels.count else {
      throw MetricsError.unequalCounts(scores: probabilities.count, labels: labels.count)
    }
    if let wrong = probabilities.firstIndex(where: \.isNaN) { throw MetricsError.notANumber(index: wrong) }
    return (0..<tagCount).map { tag in
      best(
        stride(from: tag, to: probabilities.count, by: tagCount).map { (probabilities[$0], labels[$0] != 0) }
          .sorted { $0.0 > $1.0 })
    }
  }

  /// - Parameter songs: from the most probable one down.
  private static func best(_ songs: [(probability: Float, hasTag: Bool)]) -> Float {
    let positives = songs.count { $0.hasTag }
    guard positives > 0, positives < songs.count else { return standard }
    var (right, threshold) = (0, standard)
    // F1 = 2 right / (said + positives). Fractions are compared as whole numbers, so that no rounding decides.
    var best = (right: 0, said: 0)
    for (index, song) in songs.enumerated() {
      if song.hasTag { right += 1 }
      // Equally probable songs are said to have the tag together.
      guard index + 1 == songs.count || songs[index + 1].probability < song.probability else { continue }
      let said = index + 1
      if right * (best.said + positives) > best.right * (said + positives) {
        (best, threshold) = ((right, said), song.probability)
      }
    }
    return threshold
  }
}
