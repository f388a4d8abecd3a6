#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The exact area under the ROC curve, ties counting half; nil without a positive or without a negative.
///
/// - Parameters:
///   - scores: one for each decision, higher for more likely; any real numbers.
///   - labels: as many; any value but 0 is a positive.
/// - Throws: `MetricsError` for a score that is not a number, or unequal counts.
public func rocAUC(scores: [Float], labels: [UInt8]) throws -> Double? {
  try RankedScores(scores: scores, labels: labels).rocAUC
}

/// Average precision as scikit-learn defines it (the step-wise sum, no interpolation); nil without a positive.
/// Parameters and errors as of `rocAUC`.
public func averagePrecision(scores: [Float], labels: [UInt8]) throws -> Double? {
  try RankedScores(scores: scores, labels: labels).averagePrecision
}

/// What `tf.keras.metrics.AUC()` reports by default: the trapezoid under the ROC curve sampled at 200 even
/// thresholds, on probabilities. Only for comparison with published curves: scores that fall between two
/// thresholds count as equal.
///
/// As Keras 3 does it, a score belongs to the highest threshold strictly below it, found in 32-bit arithmetic;
/// scores outside [0, 1] count as its ends; and an empty class makes its rate, hence the area, 0.
public func kerasAUC(scores: [Float], labels: [UInt8]) throws -> Double {
  guard scores.count == labels.count else {
    throw MetricsError.unequalCounts(scores: scores.count, labels: labels.count)
  }
  let thresholds = 200
  var positives = [Int](repeating: 0, count: thresholds)
  var negatives = [Int](repeating: 0, count: thresholds)
  for (index, score) in scores.enumerated() {
    guard !score.isNaN else { throw MetricsError.notANumber(index: index) }
    let scaled = min(max(score, 0), 1) * Float(thresholds - 1)
    let bucket = max(0, Int(scaled.rounded(.up)) - 1)
    if labels[index] != 0 { positives[bucket] += 1 } else { negatives[bucket] += 1 }
  }
  let allPositives = positives.reduce(0, +)
  let allNegatives = negatives.reduce(0, +)
  guard allPositives > 0, allNegatives > 0 else { return 0 }
  // From the highest threshold down: each bucket is one trapezoid of the curve.
  var area = 0.0
  var truePositives = 0
  for bucket in positives.indices.reversed() {
    let height = Double(2 * truePositives + positives[bucket]) / 2
    area += Double(negatives[bucket]) * height
    truePositives += positives[bucket]
  }
  return area / (Double(allPositives) * Double(allNegatives))
}

/// The mean binary cross-entropy over all decisions, probabilities clipped to [10⁻⁷, 1 − 10⁻⁷] as Keras does;
/// nil when there are none. Summed in 64 bits in the order given.
public func binaryCrossEntropy(probabilities: [Float], labels: [UInt8]) throws -> Double? {
  guard probabilities.count == labels.count else {
    throw MetricsError.unequalCounts(scores: probabilities.count, labels: labels.count)
  }
  guard !probabilities.isEmpty else { return nil }
  let smallest: Float = 1e-7
  let largest: Float = 1 - smallest
  var sum = 0.0
  for (index, probability) in probabilities.enumerated() {
    guard !probability.isNaN else { throw MetricsError.notANumber(index: index) }
    let clipped = Double(min(max(probability, smallest), largest))
    sum -= log(labels[index] != 0 ? clipped : 1 - clipped)
  }
  return sum / Double(probabilities.count)
}
