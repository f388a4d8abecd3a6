import Foundation
import HDF5
import Networks
import RandomNumbers
import Testing

/// The recommended network against PyTorch: `scripts/golden/make recommended` makes the numbers.
private struct RecommendedCase: Decodable {
  var channels: Int
  var segments: Int
  var filters: [Int]
  var units: Int
  var values: Int
  var dense: [Int]
  var targets: Int
  var songs: Int
  var tags: Int
  var weight: Double
  var window: Int
  var activation: UnitActivation?

  var architecture: Architecture {
    var architecture = Architecture(
      rows: 1, channels: channels, segments: segments, filters: filters,
      pooling: filters.map { _ in PoolingSize(frequency: 1, time: window) }, recurrentUnits: units, tags: tags)
    architecture.reading = .summary
    if values > 0 { architecture.song = SongBranch(values: values, units: dense) }
    architecture.song?.activation = activation ?? .elu
    if targets > 0 { architecture.auxiliary = AuxiliaryHead(outputs: targets, weight: weight) }
    return architecture
  }
}

private struct Golden {
  let group: Group
  let definition: RecommendedCase

  static let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("Golden/recommended.h5").path

  init(_ name: String) throws {
    group = try File.open(Self.path).group(name)
    definition = try JSONDecoder().decode(RecommendedCase.self, from: Data(group.textAttribute("case").utf8))
  }

  func values(_ path: String) throws -> [Float] { try group.dataset(path).read(limit: 100_000) }

  func replica(threads: Int) throws -> Replica {
    let replica = try Replica(definition.architecture, maximumBatch: definition.songs + 3, threads: threads)
    for name in replica.parameters.names { replica.parameters.setValues(try values("weights/\(name)"), of: name) }
    for name in replica.movingStatistics.names {
      replica.movingStatistics.setValues(try values("moving/\(name)"), of: name)
    }
    return replica
  }

  func batch(_ songs: Range<Int>? = nil) throws -> Batch {
    let songs = songs ?? 0..<definition.songs
    func rows(_ name: String) throws -> [Float] {
      let all = try values("batch/\(name)")
      let width = all.count / definition.songs
      return Array(all[songs.lowerBound * width..<songs.upperBound * width])
    }
    var batch = Batch(
      songs: songs.map { UInt32($0) }, segments: songs.map { _ in definition.segments },
      features: try rows("features"), labels: try rows("labels"))
    batch.songValues = try rows("song_values")
    batch.auxiliary = try rows("auxiliary")
    batch.isTagged = try rows("is_tagged").map { $0 > 0 }
    return batch
  }

  func step(_ number: UInt32 = 1, dropout: Bool = false) -> StepContext {
    StepContext(seed: 4, step: number, globalSongs: definition.songs, dropout: dropout)
  }
}

private let names = ["everything", "song-alone", "segments-alone", "rectified"]

@Test(arguments: names, [1, 2]) func theRecommendedNetworkEqualsPyTorch(_ name: String, threads: Int) throws {
  let golden = try Golden(name)
  let replica = try golden.replica(threads: threads)
  let batch = try golden.batch()
  expectEqual(
    try replica.predict(batch), try golden.values("probabilities"), tolerance: 1e-5, "probabilities of \(name)")
  let outcome = try replica.computeGradients(batch, step: golden.step())
  let loss: Double = try golden.group.attribute("loss")
  #expect(abs(outcome.lossSum / Double(golden.definition.songs) - loss) < 1e-6 * loss)
  for tensor in replica.parameters.names {
    let expected = try golden.values("gradients/\(tensor)")
    let found = replica.gradients.values(of: tensor)!.map { Float($0) }
    // Batch norm takes a bias before it away, and a map of one row leaves the kernel's outer rows nothing.
    let isNothing = expected.allSatisfy { abs($0) < 1e-12 }
    if isNothing {
      #expect(found.allSatisfy { abs($0) < 1e-7 }, "\(tensor) of \(name)")
    } else {
      expectEqual(found, expected, tolerance: 1e-4, "\(tensor)'s gradient of \(name)")
    }
  }
  for statistic in replica.batchStatistics.names {
    expectEqual(
      replica.batchStatistics.values(of: statistic)!, try golden.values("statistics/\(statistic)"),
      tolerance: 1e-5,
      "\(statistic) of \(name)")
  }
}

/// With dropout, by differences of the network's own loss: the same masks in both directions.
@Test(arguments: names) func gradientsWithDropoutAreDifferencesOfTheLoss(_ name: String) throws {
  let golden = try Golden(name)
  let replica = try golden.replica(threads: 1)
  let (batch, step) = (try golden.batch(), golden.step(3, dropout: true))
  _ = try replica.computeGradients(batch, step: step)
  let gradients = Dictionary(
    uniqueKeysWithValues: replica.parameters.names.map { ($0, replica.gradients.values(of: $0)!) })
  var stream = RandomStream(seed: 8, purpose: .test)
  for tensor in replica.parameters.names {
    let (values, gradient) = (replica.parameters.values(of: tensor)!, gradients[tensor]!)
    let direction = values.map { _ in stream.chance(0.5) ? 1.0 : -1.0 }
    let h = 2e-3 / Double(values.count).squareRoot()
    func loss(_ sign: Double) throws -> Double {
      replica.parameters.setValues(zip(values, direction).map { $0 + Float(sign * h * $1) }, of: tensor)
      return try replica.computeGradients(batch, step: step).lossSum / Double(batch.count)
    }
    let difference = (try loss(1) - loss(-1)) / (2 * h)
    replica.parameters.setValues(values, of: tensor)
    let expected = zip(gradient, direction).reduce(0) { $0 + $1.0 * $1.1 }
    let size = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
    let bound = 0.02 * size + 1e-3 * Double(values.count).squareRoot()
    #expect(abs(difference - expected) < bound, "\(tensor): \(expected), by differences \(difference)")
  }
}

/// Replicas on two threads with a part of the batch each, one perhaps without songs, make the step of one replica.
@Test(arguments: names, [0, 1, 3]) func partsOfABatchMakeTheWholeBatch(_ name: String, cut: Int) throws {
  let golden = try Golden(name)
  let (whole, step) = (try golden.replica(threads: 1), golden.step(2, dropout: true))
  let outcome = try whole.computeGradients(golden.batch(), step: step)
  let sums = try partialSums(name, [0..<cut, cut..<golden.definition.songs], step)
  #expect(abs(sums.loss - outcome.lossSum) < 1e-12 * outcome.lossSum)
  for tensor in whole.gradients.names {
    let expected = whole.gradients.values(of: tensor)!
    let largest = expected.map(abs).max()!
    #expect(
      zip(sums.gradients[tensor]!, expected).allSatisfy { abs($0 - $1) <= 1e-12 * largest + 1e-18 }, "\(tensor)")
  }
}

private func partialSums(
  _ name: String, _ parts: [Range<Int>], _ step: StepContext
) throws -> (loss: Double, gradients: [String: [Double]]) {
  let statistics = ThreadSum(parties: parts.count)
  let results = Results()
  try concurrently(parts.count) { rank in
    let golden = try Golden(name)
    let replica = try golden.replica(threads: 1)
    let outcome = try replica.computeGradients(golden.batch(parts[rank]), step: step, statistics: statistics)
    results.add(
      outcome.lossSum,
      Dictionary(uniqueKeysWithValues: replica.gradients.names.map { ($0, replica.gradients.values(of: $0)!) }))
  }
  return (results.loss, results.gradients)
}

private final class Results: @unchecked Sendable {
  private let lock = NSLock()
  private(set) var loss = 0.0
  private(set) var gradients: [String: [Double]] = [:]

  func add(_ loss: Double, _ more: [String: [Double]]) {
    lock.withLock {
      self.loss += loss
      for (name, values) in more { gradients[name] = gradients[name].map { zip($0, values).map(+) } ?? values }
    }
  }
}

@Test func aSongWithoutTagsTeachesItsAuxiliaryTargetsAlone() throws {
  let golden = try Golden("song-alone")
  let replica = try golden.replica(threads: 1)
  var batch = try golden.batch()
  batch.isTagged = batch.songs.map { _ in false }
  let loss = try replica.computeGradients(batch, step: golden.step()).lossSum
  #expect(loss > 0 && replica.gradients.values(of: "tags/kernel")!.allSatisfy { $0 == 0 })
  #expect(replica.gradients.values(of: "dense_1/kernel")!.contains { $0 != 0 })
  // What its labels are is of no account.
  let gradients = replica.gradients.values(of: "dense_1/kernel")!
  batch.labels = batch.labels.map { 1 - $0 }
  #expect(try replica.computeGradients(batch, step: golden.step()).lossSum == loss)
  #expect(replica.gradients.values(of: "dense_1/kernel")! == gradients)
  batch.isTagged = []
  #expect(try replica.computeGradients(batch, step: golden.step()).lossSum > loss)
}

@Test func aBatchOfAnotherFormIsRefused() throws {
  let golden = try Golden("everything")
  let replica = try golden.replica(threads: 1)
  for change in [
    { (batch: inout Batch) in batch.songValues.removeLast() }, { $0.auxiliary.removeLast() },
    { $0.isTagged = [true] },
  ] {
    var batch = try golden.batch()
    change(&batch)
    #expect(throws: (any Error).self) { try replica.computeGradients(batch, step: golden.step()) }
  }
}

@Test func theRecommendedNetworkHasTheShapeThatIsDescribed() throws {
  var architecture = Architecture.recommended(segments: 252, channels: 29, songValues: 453, tags: 50)
  architecture.auxiliary = AuxiliaryHead(outputs: 150, weight: 3)
  let network = try architecture.network()
  #expect(
    network.segmentWidth == 29 && network.songValues == 453 && network.auxiliary == 150 && network.tags == 50)
  let rows = Dictionary(uniqueKeysWithValues: network.summary.map { ($0.name, $0.trainable) })
  #expect(rows["dense_1"] == 453 * 256 && rows["dense_normalization_2"] == 512)
  #expect(rows.values.reduce(0, +) == network.trainableParameters)
  let coded = try JSONDecoder().decode(Architecture.self, from: JSONEncoder().encode(architecture))
  #expect(coded == architecture)
}
