import RandomNumbers

/// Whose tags each song gets: its own, or in a permuted set another song's, list for list.
struct TagSources {
  private let parameters: SynthesisParameters
  private let sources: [Int]?

  init(_ parameters: SynthesisParameters) {
    self.parameters = parameters
    var stream = RandomStream(seed: parameters.seed, purpose: .tagPermutation)
    sources = parameters.permuteTags ? stream.permutation(parameters.songs) : nil
  }

  /// The song's tags as they are written: 1 for each that it has.
  func labels(of plan: SongPlan, _ process: TagProcess) -> [UInt8] {
    guard let sources else { return plan.labels }
    return SongPlan(parameters, number: sources[plan.number], process: process).labels
  }
}
