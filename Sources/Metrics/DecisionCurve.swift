/// How many decisions for one tag are right and wrong at each of many thresholds, from 0 to 1 in equal steps: what curves of
/// precision and recall are drawn from.
public struct DecisionCurve: Sendable, Equatable {
  /// At threshold i / (n − 1): songs with a probability at least so high that have the tag, and that have not.
  public let truePositives, falsePositives: [Int]
  public let positives, negatives: Int

  /// - Parameters:
  ///   - probabilities: `[songs × tags]`, row-major, 0 to 1.
  ///   - labels: the same shape.
  ///   - tagCount: columns of both tables.
  ///   - thresholds: how many, 2 or more.
  /// - Returns: a curve for each tag.
  public static func all(
    probabilities: [Float], labels: [UInt8], tagCount: Int, thresholds: Int = 101
  ) -> [DecisionCurve] {
    (0..<tagCount).map { tag in
      var (right, wrong) = ([Int](repeating: 0, count: thresholds), [Int](repeating: 0, count: thresholds))
      for index in stride(from: tag, to: probabilities.count, by: tagCount) {
        // The highest threshold that the probability reaches.
        let place = Int(min(max(probabilities[index], 0), 1) * Float(thresholds - 1))
        if labels[index] != 0 { right[place] += 1 } else { wrong[place] += 1 }
      }
      for place in (0..<thresholds - 1).reversed() {
        right[place] += right[place + 1]
        wrong[place] += wrong[place + 1]
      }
      return DecisionCurve(
        truePositives: right, falsePositives: wrong, positives: right[0], negatives: wrong[0])
    }
  }

  /// At each threshold.
  public var decisions: [(tp: Int, fp: Int, tn: Int, fn: Int)] {
    zip(truePositives, falsePositives).map { ($0, $1, negatives - $1, positives - $0) }
  }
}
