import Networks
import Synchronization
import Testing

/// Replicas on two threads, each with a part of a batch and batch statistics summed over both, make the same step
/// as one replica with the whole batch. The parts may be unequal and even empty.
@Test(arguments: [3, 1, 0])
func partsThatShareStatisticsEqualTheWholeBatch(_ cut: Int) throws {
  let songs = 7
  let make = { @Sendable in try oddReplica(pooling: Architecture.paperPooling, segments: 53, batch: songs) }
  let whole = try make()
  let batch = randomBatch(whole, songs: songs, first: 20)
  let step = StepContext(seed: 17, step: 6, globalSongs: songs)
  let outcome = try whole.computeGradients(batch, step: step)

  let statistics = ThreadSum(parties: 2)
  let parts = [0..<cut, cut..<songs]
  let results = Mutex<[Int: PartResult]>([:])
  try concurrently(2) { rank in
    let replica = try make()
    let part = batch.part(parts[rank], of: replica.architecture)
    let outcome = try replica.computeGradients(part, step: step, statistics: statistics)
    let result = PartResult(
      outcome: outcome, gradients: replica.gradients.named(), statistics: replica.batchStatistics.named())
    results.withLock { $0[rank] = result }
  }
  let (first, second) = results.withLock { ($0[0]!, $0[1]!) }

  #expect(abs(first.outcome.lossSum + second.outcome.lossSum - outcome.lossSum) < 1e-12 * outcome.lossSum)
  #expect(first.statistics == whole.batchStatistics.named())
  #expect(first.statistics == second.statistics)
  for (name, expected) in whole.gradients.named() {
    let sum = zip(first.gradients[name]!, second.gradients[name]!).map(+)
    let largest = expected.map(abs).max()!
    // Each song's part is the same to the last bit; what is left is the order of additions in double precision.
    #expect(zip(sum, expected).allSatisfy { abs($0 - $1) <= 1e-12 * largest + 1e-20 }, "\(name)")
  }
}

private struct PartResult: Sendable {
  var outcome: StepOutcome
  var gradients: [String: [Double]]
  var statistics: [String: [Float]]
}

extension Arena {
  fileprivate func named() -> [String: [Scalar]] {
    Dictionary(uniqueKeysWithValues: names.map { ($0, values(of: $0)!) })
  }
}

extension Batch {
  fileprivate func part(_ range: Range<Int>, of shape: Architecture) -> Batch {
    let width = shape.segments * shape.frequencyBins
    return Batch(
      songs: Array(songs[range]), width: shape.frequencyBins,
      features: Array(features[range.lowerBound * width..<range.upperBound * width]),
      labels: Array(labels[range.lowerBound * shape.tags..<range.upperBound * shape.tags]))
  }
}
