import Metrics
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

  @Test func withoutSongsNothingIsDefined() {
    let metrics = DecisionMetrics(probabilities: [], labels: [], tagCount: 3)
    #expect(metrics.macroF1 == nil && metrics.microF1 == nil && metrics.precisionAt.allSatisfy { $0.value == nil })
  }
}
