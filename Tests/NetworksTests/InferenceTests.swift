import Networks
import RandomNumbers
import Testing

/// A network in the middle of training: no weight is a round number, moving statistics have moved, scales of both
/// signs.
private func trainedReplica(_ architecture: Architecture, batch: Int, threads: Int = 2) throws -> Replica {
  let replica = try Replica(architecture, maximumBatch: batch, threads: threads)
  replica.initializeWeights(seed: 3)
  var stream = RandomStream(seed: 12, purpose: .test)
  for number in 1...3 {
    let name = "normalization_\(number)/gamma"
    let count = replica.parameters.placement(of: name)!.count
    replica.parameters.setValues(
      (0..<count).map { Float(($0 % 4 == 1 ? -1 : 1) * stream.uniform(in: 0.5..<1.5)) }, of: name)
  }
  let step = StepContext(seed: 1, step: 1, globalSongs: batch)
  _ = try replica.computeGradients(randomBatch(replica, songs: batch), step: step)
  for _ in 0..<40 { replica.updateMovingStatistics() }
  return replica
}

private func song(_ number: Int, of batch: Batch, from first: Int) -> Batch {
  let segments = batch.segments[number]
  return Batch(
    songs: [batch.songs[number]], segments: [segments],
    features: Array(batch.features[first * 12..<(first + segments) * 12]), labels: [])
}

/// The sizes decide which of the library's kernels a product takes, so the paper's are tested, not stand-ins: whole
/// and broken blocks, songs first, last and in the middle.
@Test(arguments: [
  Architecture.small(segments: 252, tags: 50), Architecture.large(segments: 252, tags: 50),
  Architecture.small(segments: 1024, tags: 50),
])
func aSongOfThePapersNetworksPredictsTheSameBitsInEveryCompany(_ architecture: Architecture) throws {
  let songs = 19
  let replica = try trainedReplica(architecture, batch: songs)
  let batch = randomBatch(replica, songs: songs)
  let together = try replica.predict(batch)
  for number in [0, 3, 8, 15, 16, 18] {
    let alone = try replica.predict(song(number, of: batch, from: number * architecture.segments))
    #expect(alone == Array(together[number * 50..<(number + 1) * 50]), "song \(number)")
  }
  let few = try replica.predict(
    Batch(
      songs: Array(batch.songs[5..<10]), width: 12,
      features: Array(batch.features[5 * architecture.segments * 12..<10 * architecture.segments * 12]), labels: []
    ))
  #expect(few == Array(together[5 * 50..<10 * 50]))
}

@Test func songsOfManyLengthsPredictTheSameBitsInEveryCompany() throws {
  let replica = try trainedReplica(.small(segments: 300, tags: 50), batch: 24)
  let segments = (0..<24).map { 12 + ($0 * 97) % 289 }
  let batch = randomBatch(replica, songs: 24, segments: segments)
  let together = try replica.predict(batch)
  var first = 0
  for number in segments.indices {
    let alone = try replica.predict(song(number, of: batch, from: first))
    #expect(
      alone == Array(together[number * 50..<(number + 1) * 50]), "song \(number) of \(segments[number]) segments")
    first += segments[number]
  }
}

@Test(arguments: [
  Architecture.small(segments: 252, tags: 50),
  Architecture(
    rows: 12, segments: 60, filters: [5, 18, 7], pooling: Architecture.paperPooling, recurrentUnits: 3, tags: 4),
])
func predictionsThatKeepTheWeightsAreTheSameUntilTheyChange(_ architecture: Architecture) throws {
  let replica = try trainedReplica(architecture, batch: 6)
  let batch = randomBatch(replica, songs: 6)
  // There is nothing to keep yet.
  let first = try replica.predict(batch, keepingWeights: true)
  #expect(try replica.predict(batch, keepingWeights: true) == first)
  #expect(try replica.predict(batch) == first)
  _ = try replica.computeGradients(batch, step: StepContext(seed: 9, step: 4, globalSongs: 6))
  #expect(try replica.predict(Batch(songs: [], width: 12, features: [], labels: []), keepingWeights: true).isEmpty)
  #expect(try replica.predict(batch, keepingWeights: true) == first)
  let convolutions = replica.parameters.placement(of: "recurrent_1/kernel")!.offset
  for i in 0..<convolutions { replica.parameters.storage.start[i] *= 1.25 }
  // Who breaks the promise sees that the convolutions' weights are really kept.
  #expect(try replica.predict(batch, keepingWeights: true) == first)
  let second = try replica.predict(batch)
  #expect(second != first)
  #expect(try replica.predict(batch, keepingWeights: true) == second)
}

@Test func trainingAfterAPredictionIsAsIfThereHadBeenNone() throws {
  let architecture = Architecture(
    rows: 12, segments: 60, filters: [5, 18, 7], pooling: Architecture.paperPooling, recurrentUnits: 3, tags: 4)
  let (plain, other) = (
    try trainedReplica(architecture, batch: 6), try trainedReplica(architecture, batch: 6)
  )
  _ = try other.predict(randomBatch(other, songs: 5, first: 70))
  let step = StepContext(seed: 9, step: 4, globalSongs: 6)
  for replica in [plain, other] { _ = try replica.computeGradients(randomBatch(replica, songs: 6), step: step) }
  #expect(Array(plain.gradients.storage.all) == Array(other.gradients.storage.all))
  #expect(Array(plain.batchStatistics.storage.all) == Array(other.batchStatistics.storage.all))
}
