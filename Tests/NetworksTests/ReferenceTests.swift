import Foundation
import Networks
import RandomNumbers
import Testing

extension Replica {
  /// What it was made from: the tests' replicas are made from architectures.
  var architecture: Architecture { network.architecture! }
}

/// A network with every special path: windows that leave a remainder, odd channel counts, negative scales.
func oddReplica(
  filters: [Int] = [5, 18, 7], pooling: [PoolingSize], segments: Int, batch: Int, threads: Int = 1,
  channels: Int = 1
) throws -> Replica {
  var architecture = Architecture(
    rows: 12, segments: segments, filters: filters, pooling: pooling, recurrentUnits: 3, tags: 4)
  architecture.inputChannels = channels
  let replica = try Replica(architecture, maximumBatch: batch, threads: threads)
  replica.initializeWeights(seed: 7)
  var stream = RandomStream(seed: 11, purpose: .test)
  for name in replica.parameters.names where !name.hasSuffix("kernel") {
    let count = replica.parameters.placement(of: name)!.count
    let isScale = name.hasSuffix("gamma")
    replica.parameters.setValues(
      (0..<count).map { i in
        Float(isScale ? (i % 3 == 1 ? -1 : 1) * stream.uniform(in: 0.5..<1.5) : stream.uniform(in: -0.3..<0.3))
      }, of: name)
  }
  return replica
}

func randomBatch(_ replica: Replica, songs: Int, first: UInt32 = 0, segments: [Int]? = nil) -> Batch {
  var stream = RandomStream(seed: 5, purpose: .test, first: first)
  let shape = replica.architecture
  let total = segments?.reduce(0, +) ?? songs * shape.segments
  return Batch(
    songs: (0..<UInt32(songs)).map { first + $0 },
    segments: segments ?? Array(repeating: shape.segments, count: songs),
    features: (0..<total * replica.network.segmentWidth).map { _ in
      Float(stream.index(below: 1001)) / 1000
    },
    labels: (0..<songs * shape.tags).map { _ in stream.chance(0.4) ? 1 : 0 })
}

private let shapes: [(pooling: [PoolingSize], segments: Int)] = [
  (Architecture.paperPooling, 41),
  ([(3, 2), (2, 5), (2, 1)].map { PoolingSize(frequency: $0.0, time: $0.1) }, 29),
  ([(1, 1), (4, 3), (3, 2)].map { PoolingSize(frequency: $0.0, time: $0.1) }, 13),
]

@Test(arguments: 0..<3)
func trainingLossAndStatisticsEqualTheReference(_ which: Int) throws {
  let replica = try oddReplica(pooling: shapes[which].pooling, segments: shapes[which].segments, batch: 5)
  let batch = randomBatch(replica, songs: 5)
  let step = StepContext(seed: 99, step: 3, globalSongs: 5)
  let outcome = try replica.computeGradients(batch, step: step)
  let reference = ReferenceNetwork(replica)
  var statistics: [String: [Double]] = [:]
  _ = reference.logits(batch, training: true, dropout: step, statistics: &statistics)
  #expect(abs(outcome.lossSum / 5 - reference.loss(batch, dropout: step)) < 1e-6)
  for (name, values) in statistics {
    for (found, expected) in zip(replica.batchStatistics.values(of: name)!, values) {
      #expect(abs(Double(found) - expected) < 1e-5, "\(name)")
    }
  }
}

@Test(arguments: 0..<3)
func predictionsEqualTheReference(_ which: Int) throws {
  let replica = try oddReplica(pooling: shapes[which].pooling, segments: shapes[which].segments, batch: 5)
  let batch = randomBatch(replica, songs: 5)
  _ = try replica.computeGradients(batch, step: StepContext(seed: 1, step: 1, globalSongs: 5))
  for _ in 0..<50 { replica.updateMovingStatistics() }
  var none: [String: [Double]] = [:]
  let logits = ReferenceNetwork(replica).logits(batch, training: false, dropout: nil, statistics: &none)
  for (found, logit) in zip(try replica.predict(batch), logits.flatMap { $0 }) {
    #expect(abs(Double(found) - 1 / (1 + exp(-logit))) < 1e-5)
  }
}

/// Every tensor's gradient against central differences of the reference's loss: single weights (the largest and
/// some others) and one random direction through the whole tensor, which no wrong entry escapes.
@Test(arguments: [false, true], 0..<3)
func gradientsEqualFiniteDifferencesOfTheReference(ofUnequalSongs: Bool, _ which: Int) throws {
  let longest = shapes[which].segments
  let replica = try oddReplica(pooling: shapes[which].pooling, segments: longest, batch: 4)
  // The least length that leaves a step is 12 or less in all three.
  let batch = randomBatch(
    replica, songs: 4, segments: ofUnequalSongs ? [longest - 1, 12, longest, (longest + 12) / 2] : nil)
  let step = StepContext(seed: 3, step: 8, globalSongs: 4)
  _ = try replica.computeGradients(batch, step: step)
  expectGradientsToBeDifferences(of: replica, batch, step)
}

/// Nobody clears the gradients between two steps.
@Test(arguments: 0..<3) func gradientsAreWrittenOverWhateverStoodThere(_ which: Int) throws {
  let replica = try oddReplica(pooling: shapes[which].pooling, segments: shapes[which].segments, batch: 5)
  let (batch, step) = (randomBatch(replica, songs: 5), StepContext(seed: 3, step: 8, globalSongs: 5))
  var told: [Range<Int>] = []
  var early: [Double] = []
  try replica.computeGradients(batch, step: step)
  let gradients = Array(replica.gradients.storage.all)
  for name in replica.gradients.names {
    let count = replica.gradients.placement(of: name)!.count
    replica.gradients.setValues(Array(repeating: .nan, count: count), of: name)
  }
  try replica.computeGradients(batch, step: step) { range in
    told.append(range)
    early = replica.gradients.storage.all[range] + early
  }
  #expect(Array(replica.gradients.storage.all) == gradients)
  // What is there is told of from the last layer to the first, and is final.
  #expect(early == gradients)
  #expect(told.count == replica.gradientLayout.layers.count)
  #expect(told.map(\.lowerBound) == replica.gradientLayout.layers.reversed().map(\.lowerBound))
  let none = randomBatch(replica, songs: 0)
  try replica.computeGradients(none, step: step, statistics: nil)
  #expect(replica.gradients.storage.all.allSatisfy { $0 == 0 })
}

@Test func gradientsAndPredictionsDoNotDependOnTheNumberOfThreads() throws {
  var results: [[Double]] = []
  for threads in [1, 2, 3] {
    let replica = try oddReplica(
      pooling: Architecture.paperPooling, segments: 60, batch: 11, threads: threads)
    let batch = randomBatch(replica, songs: 11)
    let outcome = try replica.computeGradients(batch, step: StepContext(seed: 1, step: 1, globalSongs: 11))
    let outputs = [outcome.lossSum] + (try replica.predict(batch)).map(Double.init)
    results.append(Array(replica.gradients.storage.all) + outputs)
  }
  #expect(results[0] == results[1])
  #expect(results[0] == results[2])
}

/// Songs of many lengths in one batch: predictions are those of songs run alone, with other songs before and after
/// leaving no trace.
@Test func songsOfManyLengthsPredictWhatTheyPredictAlone() throws {
  let longest = 200
  let replica = try oddReplica(pooling: Architecture.paperPooling, segments: longest, batch: 64, threads: 2)
  let segments = (0..<64).map { 12 + ($0 * 29) % 189 }
  #expect(Set(segments).count == 64)
  let batch = randomBatch(replica, songs: 64, segments: segments)
  let together = try replica.predict(batch)
  _ = try replica.predict(randomBatch(replica, songs: 64, first: 9))
  var first = 0
  for song in 0..<64 {
    let end = first + segments[song] * 12
    let alone = try replica.predict(
      Batch(
        songs: [UInt32(song)], segments: [segments[song]], features: Array(batch.features[first..<end]),
        labels: []))
    #expect(alone == Array(together[song * 4..<(song + 1) * 4]))
    first = end
  }
  var none: [String: [Double]] = [:]
  let logits = ReferenceNetwork(replica).logits(batch, training: false, dropout: nil, statistics: &none)
  for (found, logit) in zip(together, logits.flatMap { $0 }) {
    #expect(abs(Double(found) - 1 / (1 + exp(-logit))) < 1e-5)
  }
}

@Test func aSongTooShortOrTooLongIsRefused() throws {
  let replica = try oddReplica(pooling: Architecture.paperPooling, segments: 60, batch: 2)
  for length in [11, 61] {
    let batch = randomBatch(replica, songs: 1, segments: [length])
    #expect(throws: (any Error).self) { try replica.predict(batch) }
  }
}

@Test func aSongsPredictionDoesNotDependOnItsBatch() throws {
  let replica = try oddReplica(pooling: Architecture.paperPooling, segments: 60, batch: 11)
  let batch = randomBatch(replica, songs: 11)
  let together = try replica.predict(batch)
  let width = 60 * 12
  for song in 0..<11 {
    let alone = try replica.predict(
      Batch(
        songs: [UInt32(song)], width: 12, features: Array(batch.features[song * width..<(song + 1) * width]),
        labels: []))
    #expect(alone == Array(together[song * 4..<(song + 1) * 4]))
  }
}

/// The whole step once with minimal filtering and once with plain im2col convolutions: gradients agree far within
/// what the golden tests allow.
@Test func gradientsEqualThoseOfPlainConvolutions() throws {
  let architecture = Architecture(
    rows: 12, segments: 84, filters: [20, 33, 24], pooling: Architecture.paperPooling, recurrentUnits: 12, tags: 6)
  let fast = try Replica(architecture, maximumBatch: 6, threads: 2)
  let plain = try Replica(
    architecture.network(convolution: PlainConvolution.init), maximumBatch: 6, threads: 1)
  fast.initializeWeights(seed: 2)
  plain.initializeWeights(seed: 2)
  let batch = randomBatch(fast, songs: 6)
  let step = StepContext(seed: 4, step: 1, globalSongs: 6)
  let losses = try [fast, plain].map { try $0.computeGradients(batch, step: step).lossSum }
  #expect(abs(losses[0] - losses[1]) < 1e-5 * losses[1])
  for name in fast.parameters.names {
    let expected = plain.gradients.values(of: name)!
    let largest = expected.map(abs).max()!
    for (a, b) in zip(fast.gradients.values(of: name)!, expected) {
      #expect(abs(a - b) <= 1e-4 * largest, "\(name)")
    }
  }
}

/// Its second map has 30 rows, more than go through the transformed domain together.
private let tallNetwork: Architecture = {
  let pooling = [(2, 2), (3, 3), (10, 4)].map { PoolingSize(frequency: $0.0, time: $0.1) }
  var network = Architecture(
    rows: 60, segments: 250, filters: [5, 18, 7], pooling: pooling, recurrentUnits: 4, tags: 5)
  network.pad(to: 264)
  network.inputNormalization = .time
  network.resetGate = .before
  return network
}()

@Test func aTallNetworkDoesNotDependOnTheNumberOfThreadsNorPredictionsOnOtherSongs() throws {
  var results: [[Double]] = []
  for threads in [1, 3] {
    let replica = try Replica(tallNetwork, maximumBatch: 5, threads: threads)
    replica.initializeWeights(seed: 3)
    let batch = randomBatch(replica, songs: 5)
    _ = try replica.computeGradients(batch, step: StepContext(seed: 4, step: 2, globalSongs: 5))
    results.append(Array(replica.gradients.storage.all))
    let together = try replica.predict(batch)
    let values = batch.features.count / 5
    for song in 0..<5 {
      let alone = Batch(
        songs: [UInt32(song)], width: 60, features: Array(batch.features[song * values..<(song + 1) * values]),
        labels: [])
      #expect(try replica.predict(alone) == Array(together[song * 5..<(song + 1) * 5]))
    }
  }
  #expect(results[0] == results[1])
}

/// Kernels read whole vectors: what lies in the padding must stay zero from step to step, or it comes to weigh in.
@Test func thePaddingStaysZeroFromStepToStep() throws {
  let replica = try oddReplica(pooling: Architecture.paperPooling, segments: 60, batch: 7)
  let adam = Adam(for: replica.parameters)
  for step in 1...4 {
    let batch = randomBatch(replica, songs: 7, first: UInt32(step))
    let outcome = try replica.computeGradients(
      batch, step: StepContext(seed: 1, step: UInt32(step), globalSongs: 7))
    #expect(outcome.lossSum.isFinite)
    replica.takeOwnGradients()
    adam.apply(to: replica, learningRate: 0.01)
    for placement in replica.parameters.placements {
      for place in 0..<placement.paddedCount where place % placement.groupStride >= placement.groupWidth {
        #expect(replica.gradients.storage.all[placement.offset + place] == 0, "\(placement.name), step \(step)")
        #expect(replica.parameters.storage.all[placement.offset + place] == 0, "\(placement.name), step \(step)")
      }
    }
  }
}
