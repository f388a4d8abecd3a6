import Metrics
import Testing

@Suite struct TagMetricsTests {
  @Test func tiesCountHalf() throws {
    #expect(try rocAUC(scores: [0.5, 0.5], labels: [0, 1]) == 0.5)
    #expect(try rocAUC(scores: [0.1, 0.4, 0.35, 0.8], labels: [0, 0, 1, 1]) == 0.75)
    #expect(try rocAUC(scores: [0, -0.0], labels: [0, 1]) == 0.5)
    #expect(try rocAUC(scores: [-3, -2, 5, .infinity], labels: [0, 0, 1, 1]) == 1)
  }

  @Test func aTagWithoutPositivesOrNegativesIsLeftOutAndCounted() throws {
    // Three tags: one ranked rightly, one that nobody has, one that everybody has.
    let metrics = try TagMetrics(
      probabilities: [0.9, 0.5, 0.1, 0.2, 0.6, 0.3], labels: [1, 0, 1, 0, 0, 1], tagCount: 3)
    #expect(metrics.tags.map(\.rocAUC) == [1, nil, nil])
    #expect(metrics.tags.map(\.positives) == [1, 0, 2])
    #expect(metrics.macroROCAUC == 1 && metrics.macroAveragePrecision == 1)
    #expect(metrics.undefinedTags == 2)
  }

  @Test func nothingToJudgeGivesNoFigures() throws {
    let metrics = try TagMetrics(probabilities: [], labels: [], tagCount: 4)
    #expect(metrics.songs == 0 && metrics.macroROCAUC == nil && metrics.microROCAUC == nil && metrics.loss == nil)
    #expect(metrics.undefinedTags == 4 && metrics.kerasAUC == 0)
  }

  @Test func aScoreThatIsNotANumberIsAnErrorThatSaysWhere() {
    let scores: [Float] = [0.1, 0.2, .nan, 0.4]
    let labels: [UInt8] = [0, 1, 0, 1]
    let expected = MetricsError.notANumber(index: 2)
    #expect(throws: expected) { try rocAUC(scores: scores, labels: labels) }
    #expect(throws: expected) { try averagePrecision(scores: scores, labels: labels) }
    #expect(throws: expected) { try kerasAUC(scores: scores, labels: labels) }
    #expect(throws: expected) { try binaryCrossEntropy(probabilities: scores, labels: labels) }
    #expect(throws: expected) { try TagMetrics(probabilities: scores, labels: labels, tagCount: 2) }
  }

  @Test func shapesThatDoNotFitAreErrors() {
    #expect(throws: MetricsError.unequalCounts(scores: 2, labels: 1)) { try rocAUC(scores: [0, 1], labels: [1]) }
    #expect(throws: MetricsError.incompleteRows(scores: 3, tags: 2)) {
      try TagMetrics(probabilities: [0, 0, 0], labels: [0, 0, 0], tagCount: 2)
    }
    #expect(throws: MetricsError.incompleteRows(scores: 0, tags: 0)) {
      try TagMetrics(probabilities: [], labels: [], tagCount: 0)
    }
  }

  /// Beyond a few thousand scores another sort is used; it must order alike.
  @Test func manyScoresAgreeWithCountingPairs() throws {
    var state: UInt64 = 42
    func next(below bound: UInt64) -> UInt64 {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return (state >> 33) % bound
    }
    let count = 24_000
    let scores = (0..<count).map { _ in Float(next(below: 3_000)) / 1_000 - 1 }
    let labels = scores.map { UInt8(Float(next(below: 4_000)) / 1_000 - 1.5 < $0 ? 1 : 0) }
    var positivesAt = [Int](repeating: 0, count: 3_000)
    var negativesAt = positivesAt
    for (score, label) in zip(scores, labels) {
      let index = Int(((score + 1) * 1_000).rounded())
      if label == 1 { positivesAt[index] += 1 } else { negativesAt[index] += 1 }
    }
    var wins = 0.0
    var below = 0
    for index in positivesAt.indices {
      wins += Double(positivesAt[index]) * (Double(below) + 0.5 * Double(negativesAt[index]))
      below += negativesAt[index]
    }
    let expected = wins / (Double(labels.count { $0 == 1 }) * Double(labels.count { $0 == 0 }))
    let auc = try #require(try rocAUC(scores: scores, labels: labels))
    #expect(abs(auc - expected) < 1e-14)
    #expect(auc > 0.6)
  }

  @Test func millionsOfDecisionsTakeSeconds() throws {
    let songs = 100_000
    let tags = 50
    let probabilities = (0..<songs * tags).map { Float(($0 &* 2_654_435_761) % 999_983) / 999_983 }
    let labels = (0..<songs * tags).map { UInt8(($0 &* 40_503) % 97 < 5 ? 1 : 0) }
    let clock = ContinuousClock()
    var metrics: TagMetrics?
    let time = try clock.measure {
      metrics = try TagMetrics(probabilities: probabilities, labels: labels, tagCount: tags)
    }
    #expect(try #require(metrics).undefinedTags == 0)
    #expect(time < .seconds(10))
  }
}
