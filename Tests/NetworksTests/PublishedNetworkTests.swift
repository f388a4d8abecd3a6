import Diagnosis
import Foundation
import Networks
import Testing

/// Parameters of the published networks with 50 tags, as `scripts/golden/counts.py` counts them in Keras.
@Suite struct PublishedNetworkTests {
  /// The paper's five budgets: channels of the first convolution, of the others, units; parameters.
  static let budgets = [
    (30, 60, 30, 97_322), (48, 96, 48, 246_290), (68, 137, 68, 497_349), (96, 195, 96, 1_000_559),
    (169, 339, 169, 3_027_904),
  ]

  @Test func theOriginalNetworkHasItsAuthorsParameters() throws {
    let network = try Architecture.choi2016(tags: 50).network()
    #expect(network.trainableParameters == 396_786)
    #expect(network.nonTrainableParameters == 2 * 1_440 + 2 * (64 + 3 * 128))
    #expect(network.input == SignalShape(rows: 96, columns: 1_366, channels: 1))
    #expect(network.shortestSong == 1_366)
    #expect(network.summary.first { $0.name == "pooling_4" }?.outputShape == [1, 15, 128])
  }

  @Test(arguments: budgets) func thePapersBudgetsAreWhatItSays(
    _ budget: (first: Int, others: Int, units: Int, parameters: Int)
  ) throws {
    var architecture = Architecture.choi2016(tags: 50)
    architecture.filters = [budget.first] + Array(repeating: budget.others, count: 3)
    architecture.recurrentUnits = budget.units
    architecture.inputNormalization = .frequency
    #expect(try architecture.network().trainableParameters == budget.parameters)
  }

  @Test func anArchitectureOfBeforeThereWasAChoiceReadsAsItWas() throws {
    let text = """
      {"frequencyBins": 12, "segments": 252, "filters": [60, 60, 60], "recurrentUnits": 30, "tags": 50,
       "pooling": [{"frequency": 2, "time": 2}, {"frequency": 2, "time": 2}, {"frequency": 3, "time": 3}],
       "convolutionDropout": 0.1, "finalDropout": 0.3}
      """
    let read = try JSONDecoder().decode(Architecture.self, from: Data(text.utf8))
    #expect(read == .small(segments: 252, tags: 50))
    let original = Architecture.choi2016(tags: 50)
    #expect(try JSONDecoder().decode(Architecture.self, from: JSONEncoder().encode(original)) == original)
  }
}
