import Foundation
import Metrics
import Testing

/// 200 random tables with ties, judged by scikit-learn and Keras (`scripts/golden/metrics.py`).
@Suite struct GoldenMetricsTests {
  private let cases: [GoldenCase]

  init() throws {
    let file = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(path: "Golden/metrics.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    cases = try decoder.decode([GoldenCase].self, from: Data(contentsOf: file))
  }

  @Test func agreesWithScikitLearnTagByTagAndPooled() throws {
    #expect(cases.count == 200)
    for (index, golden) in cases.enumerated() {
      let metrics = try golden.metrics()
      #expect(metrics.tags.map(\.rocAUC).agree(golden.rocAuc, within: 1e-12), "case \(index), ROC-AUC")
      #expect(
        metrics.tags.map(\.averagePrecision).agree(golden.averagePrecision, within: 1e-12),
        "case \(index), average precision")
      #expect([metrics.macroROCAUC].agree([golden.macro], within: 1e-12), "case \(index), macro")
      #expect(
        [metrics.macroAveragePrecision].agree([golden.macroAveragePrecision], within: 1e-12),
        "case \(index), macro average precision")
      #expect([metrics.microROCAUC].agree([golden.micro], within: 1e-12), "case \(index), micro")
      #expect(metrics.undefinedTags == golden.rocAuc.count { $0 == nil }, "case \(index), undefined tags")
    }
  }

  @Test func agreesWithKerasWithinItsPrecision() throws {
    for (index, golden) in cases.enumerated() {
      let metrics = try golden.metrics()
      #expect(abs(metrics.kerasAUC - golden.keras) <= 1e-6, "case \(index), AUC")
      let loss = try #require(metrics.loss)
      #expect(abs(loss - golden.loss) <= 1e-6 * max(1, golden.loss), "case \(index), loss")
    }
  }

  @Test func theCasesIncludeUndefinedTagsAndTies() {
    let aucs = cases.flatMap(\.rocAuc)
    #expect(aucs.contains { $0 == nil } && aucs.contains { $0 == 0.5 } && aucs.contains { $0 == 1 })
  }
}

private struct GoldenCase: Decodable {
  let grid: Int
  let tags: Int
  let numerators: [Int]
  let labels: String
  let rocAuc: [Double?]
  let averagePrecision: [Double?]
  let macro: Double?
  let macroAveragePrecision: Double?
  let micro: Double?
  let keras: Double
  let loss: Double

  func metrics() throws -> TagMetrics {
    try TagMetrics(
      probabilities: numerators.map { Float($0) / Float(grid) }, labels: labels.utf8.map { $0 - 48 },
      tagCount: tags)
  }
}

extension [Double?] {
  fileprivate func agree(_ others: [Double?], within tolerance: Double) -> Bool {
    count == others.count
      && zip(self, others).allSatisfy { own, other in
        switch (own, other) {
        case (nil, nil): true
        case (let own?, let other?): abs(own - other) <= tolerance
        default: false
        }
      }
  }
}
