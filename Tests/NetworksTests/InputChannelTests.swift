import Foundation
import Networks
import RandomNumbers
import Synchronization
import Testing

/// Networks of several input channels, such as pitches and timbre, against the reference.
@Suite struct InputChannelTests {
  private static let lengths = [40, 12, 41, 26]

  private func replica(
    batch: Int = 4, segments: Int = 41, threads: Int = 1, channels: Int = 2
  ) throws -> Replica {
    try oddReplica(
      pooling: Architecture.paperPooling, segments: segments, batch: batch, threads: threads, channels: channels)
  }

  /// The second channel far from the first: as timbre is from pitches, so that shared statistics would show.
  private func batch(_ replica: Replica, songs: Int, segments: [Int]) -> Batch {
    var batch = randomBatch(replica, songs: songs, segments: segments)
    for i in batch.features.indices where i / 12 % 2 == 1 {
      batch.features[i] = batch.features[i] * 4 - 1 + Float(i % 12)
    }
    return batch
  }

  @Test func lossStatisticsAndPredictionsEqualTheReference() throws {
    let replica = try replica()
    let batch = batch(replica, songs: 4, segments: Self.lengths)
    let step = StepContext(seed: 99, step: 3, globalSongs: 4)
    let outcome = try replica.computeGradients(batch, step: step)
    let reference = ReferenceNetwork(replica)
    var statistics: [String: [Double]] = [:]
    _ = reference.logits(batch, training: true, dropout: step, statistics: &statistics)
    #expect(abs(outcome.lossSum / 4 - reference.loss(batch, dropout: step)) < 1e-6)
    #expect(statistics["input_normalization/moving_mean"]?.count == 24)
    for (name, values) in statistics {
      for (found, expected) in zip(replica.batchStatistics.values(of: name)!, values) {
        #expect(abs(Double(found) - expected) < 1e-5 * max(1, abs(expected)), "\(name)")
      }
    }
    for _ in 0..<50 { replica.updateMovingStatistics() }
    var none: [String: [Double]] = [:]
    let logits = ReferenceNetwork(replica).logits(batch, training: false, dropout: nil, statistics: &none)
    for (found, logit) in zip(try replica.predict(batch), logits.flatMap { $0 }) {
      #expect(abs(Double(found) - 1 / (1 + exp(-logit))) < 1e-5)
    }
  }

  @Test(arguments: [2, 3]) func gradientsEqualFiniteDifferencesOfTheReference(channels: Int) throws {
    let replica = try replica(channels: channels)
    let batch = batch(replica, songs: 4, segments: Self.lengths)
    let step = StepContext(seed: 3, step: 8, globalSongs: 4)
    _ = try replica.computeGradients(batch, step: step)
    expectGradientsToBeDifferences(of: replica, batch, step)
  }

  @Test func nothingDependsOnTheNumberOfThreads() throws {
    var results: [[Double]] = []
    for threads in [1, 3] {
      let replica = try replica(batch: 9, segments: 60, threads: threads)
      let batch = batch(replica, songs: 9, segments: (0..<9).map { 60 - 5 * $0 })
      let outcome = try replica.computeGradients(batch, step: StepContext(seed: 1, step: 1, globalSongs: 9))
      let gradients = replica.parameters.names.flatMap { replica.gradients.values(of: $0)!.map { Double($0) } }
      results.append(gradients + [outcome.lossSum] + (try replica.predict(batch)).map { Double($0) })
    }
    #expect(results[0] == results[1])
  }

  @Test func aNetworkOfOneChannelReadsWhatWasWrittenBeforeThereWereSeveral() throws {
    let one = Architecture.small(segments: 60, tags: 5)
    var text = String(decoding: try JSONEncoder().encode(one), as: UTF8.self)
    #expect(text.contains(#""inputChannels":1"#))
    text = text.replacingOccurrences(of: #""inputChannels":1,"#, with: "")
      .replacingOccurrences(of: #","inputChannels":1"#, with: "")
    #expect(try JSONDecoder().decode(Architecture.self, from: Data(text.utf8)) == one)
    var two = one
    two.inputChannels = 2
    #expect(try JSONDecoder().decode(Architecture.self, from: JSONEncoder().encode(two)) == two)
    // 9 × 60 more weights of the first convolution, 12 more scales and shifts.
    let (first, second) = (try one.network(), try two.network())
    #expect(second.trainableParameters == first.trainableParameters + 9 * 60 + 24)
    #expect(second.nonTrainableParameters == first.nonTrainableParameters + 24)
  }
}

/// 64 songs of 64 lengths in one batch, and each alone on a replica of its own, the replicas sharing their batch
/// statistics: outputs, and the gradients summed over the songs, are the same.
@Test(arguments: [1, 2]) func manyLengthsInABatchLearnWhatTheyLearnOneByOne(_ channels: Int) throws {
  let segments = (0..<64).map { 12 + ($0 * 29) % 189 }
  #expect(Set(segments).count == 64)
  let make = { @Sendable (songs: Int, longest: Int) in
    try oddReplica(
      pooling: Architecture.paperPooling, segments: longest, batch: songs, channels: channels)
  }
  let whole = try make(64, 200)
  let batch = randomBatch(whole, songs: 64, segments: segments)
  let step = StepContext(seed: 17, step: 6, globalSongs: 64)
  let together = try whole.computeGradients(batch, step: step)

  let statistics = ThreadSum(parties: 64)
  let alone = Mutex<[Int: (loss: Double, gradients: [String: [Double]])]>([:])
  let width = 12 * channels
  try concurrently(64) { song in
    let replica = try make(1, segments[song])
    let first = segments[..<song].reduce(0, +) * width
    let one = Batch(
      songs: [UInt32(song)], segments: [segments[song]],
      features: Array(batch.features[first..<first + segments[song] * width]),
      labels: Array(batch.labels[song * 4..<(song + 1) * 4]))
    let outcome = try replica.computeGradients(one, step: step, statistics: statistics)
    let gradients = Dictionary(
      uniqueKeysWithValues: replica.gradients.names.map { name in
        (name, replica.gradients.values(of: name)!.map { Double($0) })
      })
    alone.withLock { $0[song] = (outcome.lossSum, gradients) }
  }
  let songs = alone.withLock { results in (0..<64).map { results[$0]! } }
  #expect(abs(songs.reduce(0) { $0 + $1.loss } - together.lossSum) < 1e-5 * together.lossSum)
  for name in whole.gradients.names {
    let expected = whole.gradients.values(of: name)!.map { Double($0) }
    let largest = expected.map(abs).max()!
    for (index, value) in expected.enumerated() {
      let sum = songs.reduce(0) { $0 + $1.gradients[name]![index] }
      #expect(abs(sum - value) < 1e-5 * max(largest, 1e-2), "\(name)")
    }
  }
}
