import Metrics
import RandomNumbers
import Testing

@Suite struct DecisionMetricsTests {
  /// Three songs, three tags; nobody has the third tag, and the last song has none.
  private let probabilities: [Float] = [0.9, 0.1, 0.6, 0.4, 0.8, 0.2, 0.7, 0.3, 0.1]
  private let labels: [UInt8] = [1, 1, 0, 0, 1, 0, 0, 0, 0]

  @Test func decisionsAreCountedFromAThresholdOn() {
    let metrics = DecisionMetrics(probabilities: probabilities, labels: labels, tagCount: 3)
    #expect(metrics.tags[0].precision == 0.5 && metrics.tags[0].recall == 1)
    #expect(metrics.tags[1].precision == 1 && metrics.tags[1].recall == 0.5)
    #expect(metrics.tags[2].precision == 0 && metrics.tags[2].recall == nil && metrics.tags[2].f1 == nil)
    #expect(metrics.macroF1 == 2.0 / 3)
    // Pooled: two right, two wrong, one missed.
    #expect(metrics.microF1 == 4.0 / 7)
    let low = DecisionMetrics(probabilities: probabilities, labels: labels, tagCount: 3, threshold: 0.1)
    #expect(low.tags[1].recall == 1, "the threshold itself counts")
  }

  @Test func theFirstTagsOfSongsWithoutAnyAreNotJudged() {
    let metrics = DecisionMetrics(probabilities: probabilities, labels: labels, tagCount: 3, places: [1, 2, 9])
    #expect(metrics.precisionAt.map(\.k) == [1, 2, 9])
    #expect(metrics.precisionAt.map(\.value) == [1, 0.5, 0.5], "of three tags nine are three")
  }

  /// Against all decisions that can be made, by their F1 as it is defined.
  @Test func aTagsThresholdHasTheBestF1() throws {
    for trial in 0..<200 {
      var stream = RandomStream(seed: UInt64(trial), purpose: .test)
      // Few values, so that many are equal.
      let probabilities = (0..<60).map { _ in Float(stream.index(below: 9)) / 8 }
      let labels = (0..<60).map { _ in stream.chance(0.25) ? UInt8(1) : 0 }
      let found = try DecisionThresholds.best(probabilities: probabilities, labels: labels, tagCount: 3)
      for tag in 0..<3 {
        func f1(_ threshold: Float) -> Double {
          DecisionMetrics(probabilities: probabilities, labels: labels, tagCount: 3, threshold: threshold).tags[
            tag
          ].f1 ?? -1
        }
        let best = Set(probabilities).map(f1).max()!
        guard best >= 0 else { continue }
        #expect(abs(f1(found[tag]) - best) < 1e-12, "\(probabilities), \(labels)")
        // The highest of the equally good ones.
        let own = stride(from: tag, to: 60, by: 3).map { probabilities[$0] }
        #expect(own.allSatisfy { $0 <= found[tag] || f1($0) < best - 1e-12 })
      }
    }
  }

  @Test func aTagThatNoSongOrEachHasKeepsTheStandardThreshold() throws {
    let found = try DecisionThresholds.best(
      probabilities: [0.1, 0.2, 0.3, 0.4], labels: [0, 1, 0, 1], tagCount: 2)
    #expect(found == [DecisionThresholds.standard, DecisionThresholds.standard])
    #expect(try DecisionThresholds.best(probabilities: [], labels: [], tagCount: 1) == [0.5])
    #expect(throws: MetricsError.notANumber(index: 1)) {
      try DecisionThresholds.best(probabilities: [0, .nan], labels: [0, 1], tagCount: 1)
    }
  }

  @Test func withoutSongsNothingIsDefined() {
    let metrics = DecisionMetrics(probabilities: [], labels: [], tagCount: 3)
    #expect(metrics.macroF1 == nil && metrics.microF1 == nil && metrics.precisionAt.allSatisfy { $0.value == nil })
  }
}
