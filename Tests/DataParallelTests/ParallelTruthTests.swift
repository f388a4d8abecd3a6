import DataParallel
import MessagePassing
import Networks
import Testing

/// The same songs in the same global batches, on one rank and on many: the training must be the same.
@Suite struct ParallelTruthTests {
  private static let songs = 37
  private static let batchSize = 12
  private static let steps = 12
  private static let architecture = Architecture(
    rows: 12, segments: 26, filters: [5, 4, 6], pooling: Architecture.paperPooling, recurrentUnits: 3, tags: 4)

  @Test(arguments: [2, 3, 4, 5, 8])
  func lossesWithSharedStatisticsAndDropoutDoNotDependOnTheWorldSize(size: Int) throws {
    let alone = try Self.train(Way(size: 1))[0]
    let many = try Self.train(Way(size: size))
    for (rank, run) in many.enumerated() {
      #expect(run == many[0], "rank \(rank) differs from rank 0")
      // A song's part of a gradient does not depend on its rank, and the parts are summed in double precision.
      for (step, (one, other)) in zip(alone.losses, run.losses).enumerated() {
        #expect(abs(one - other) <= 1e-12 * one, "step \(step): \(one) alone, \(other) with \(size) ranks")
      }
    }
    // Steps 0 and 8 have the same songs.
    #expect(alone.losses[8] < alone.losses[0])
  }

  @Test(arguments: [2, 5])
  func withLocalStatisticsReplicasStayEqualToTheLastBit(size: Int) throws {
    let many = try Self.train(Way(size: size, shared: false))
    for run in many { #expect(run == many[0]) }
    // The statistics differ from those of the global batch, so the run must too; else nothing was local.
    #expect(try many[0].losses != Self.train(Way(size: size))[0].losses)
  }

  @Test(arguments: [2, 3, 4, 5, 8])
  func neitherNodesNorOverlapNorBucketsChangeABit(size: Int) throws {
    let one = try Self.train(Way(size: size))[0]
    for ranksPerNode in [1, 2, 3] where ranksPerNode < size {
      for overlaps in [true, false] {
        var way = Way(size: size, ranksPerNode: ranksPerNode)
        way.options = .init(overlaps: overlaps, bucketBytes: overlaps ? 2_000 : 1 << 20)
        for run in try Self.train(way) { #expect(run == one, "\(ranksPerNode) ranks a node") }
      }
    }
  }

  @Test(arguments: [GradientFormat.fp32, .bf16])
  func gradientsOfFewerBitsLeaveReplicasEqualAndNearTheExactOnes(format: GradientFormat) throws {
    let exact = try Self.train(Way(size: 4))[0]
    for ranksPerNode in [1, 2] {
      var way = Way(size: 4, ranksPerNode: ranksPerNode)
      way.options = .init(format: format, bucketBytes: 2_000)
      let runs = try Self.train(way)
      for run in runs { #expect(run == runs[0]) }
      #expect(runs[0].losses != exact.losses)
      let tolerance = format == .fp32 ? 1e-5 : 0.03
      for (a, b) in zip(runs[0].losses, exact.losses) { #expect(abs(a - b) <= tolerance * b) }
    }
  }

  @Test(arguments: [1, 3])
  func partsOfABatchAreTheBatchButForBatchNorm(size: Int) throws {
    let whole = try Self.train(Way(size: size, shared: false, frozen: true))
    let parts = try Self.train(Way(size: size, shared: false, parts: 3, frozen: true))
    // Every part has its own statistics, so that only a batch in which they do not matter can be the same: one of equal
    // songs.
    for (a, b) in zip(whole[0].losses, parts[0].losses) { #expect(abs(a - b) <= 1e-5 * a, "\(a) \(b)") }
    for (a, b) in zip(whole[0].moving, parts[0].moving) { #expect(abs(a - b) <= 1e-4 * max(1, abs(a))) }
    for run in parts { #expect(run == parts[0]) }
    // With unlike songs they do matter.
    #expect(
      try Self.train(Way(size: size, parts: 3))[0].losses != Self.train(Way(size: size))[0].losses)
  }

  @Test func partsOfABatchAreTheSameOnEveryWorldSize() throws {
    let alone = try Self.train(Way(size: 1, parts: 3))[0]
    for size in [2, 5] {
      let run = try Self.train(Way(size: size, parts: 3))[0]
      for (a, b) in zip(alone.losses, run.losses) { #expect(abs(a - b) <= 1e-12 * a) }
    }
  }

  /// Adam squares it, and what is infinite then never becomes a number again.
  @Test func aGradientWhoseSquareIsTooLargeIsNoStepUnlessItIsClipped() throws {
    for clipNorm in [nil, 1.0] {
      _ = try InProcessCommunicator.run(size: 1) { communicator in
        let network = try Self.architecture.network()
        let exchange = try ReplicaExchange(communicator, network)
        let replica = try Replica(network, maximumBatch: 6, threads: 1)
        replica.initializeWeights(seed: 3)
        let kernel = replica.parameters.values(of: "tags/kernel")!
        replica.parameters.setValues(kernel.map { $0 * 1e24 }, of: "tags/kernel")
        let before = Array(replica.parameters.storage.all)
        let step = TrainingStep(
          replica, Adam(for: replica.parameters), LearningRateSchedule(.constant, peak: 0.01, steps: 1), exchange,
          batchNormIsShared: true, clipNorm: clipNorm)
        let result = try step.take(StepContext(seed: 11, step: 1, globalSongs: 6), parts: [6]) {
          Self.batch(0..<6, alike: false)
        }
        #expect(result.lossSum.isFinite)
        if clipNorm == nil {
          #expect(result.problem?.hasPrefix("the norm of the gradient is") == true, "\(result)")
          #expect(Array(replica.parameters.storage.all) == before)
        } else {
          #expect(result.problem == nil, "\(result)")
          #expect(replica.parameters.storage.all.allSatisfy { $0.isFinite })
        }
      }
    }
  }

  @Test func twiceTheSameRunIsTheSameToTheLastBit() throws {
    #expect(try Self.train(Way(size: 3)) == Self.train(Way(size: 3)))
  }

  private struct Run: Equatable, Sendable {
    var losses: [Double] = []
    var moving: [Float] = []
  }

  /// How a run is taken.
  private struct Way: Sendable {
    var size: Int
    var ranksPerNode: Int?
    /// Whether batch norm is.
    var shared = true
    var parts = 1
    /// Whether all songs are alike.
    var frozen = false
    var options = ReplicaExchange.Options()
  }

  private static func train(_ way: Way) throws -> [Run] {
    try InProcessCommunicator.run(size: way.size, ranksPerNode: way.ranksPerNode) { communicator in
      let network = try architecture.network()
      let exchange = try ReplicaExchange(communicator, network, way.options)
      let replica = try Replica(
        network, maximumBatch: batchSize, threads: 1, gradientMemory: exchange.gradientMemory)
      let optimizer = Adam(for: replica.parameters)
      // Only rank 0 has the initial weights: the others must get them.
      if communicator.rank == 0 { replica.initializeWeights(seed: 3) }
      try communicator.broadcast(replica, optimizer: optimizer)
      let step = TrainingStep(
        replica, optimizer, LearningRateSchedule(.constant, peak: 0.01, steps: 100), exchange,
        batchNormIsShared: way.shared, accumulates: way.parts > 1)
      var run = Run()
      for number in 1...steps {
        // Every fourth batch has a single song: most ranks then have none.
        let start = (number - 1) % 4 * batchSize
        let count = min(batchSize, songs - start)
        let parts = (0..<way.parts).map { start + count * $0 / way.parts..<start + count * ($0 + 1) / way.parts }
          .filter { !$0.isEmpty }
        var next = parts.makeIterator()
        let context = StepContext(
          seed: 11, step: UInt32(number), globalSongs: count, dropout: !way.frozen)
        let result = try step.take(context, parts: parts.map(\.count)) {
          let part = next.next()!
          let first = part.lowerBound + part.count * communicator.rank / way.size
          return Self.batch(
            first..<part.lowerBound + part.count * (communicator.rank + 1) / way.size, alike: way.frozen)
        }
        run.losses.append(result.lossSum / Double(count))
      }
      try communicator.checkReplicasAgree(
        [replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena), when: "at the end")
      run.moving = replica.movingStatistics.names.flatMap { replica.movingStatistics.values(of: $0)! }
      return run
    }
  }

  /// Songs whose first tag can be heard in the first pitch class.
  private static func batch(_ songs: Range<Int>, alike: Bool) -> Batch {
    func noise(_ index: Int) -> Float { Float((index &* 2_654_435_761) >> 7 & 1_023) / 1_023 }
    let values = architecture.segments * architecture.frequencyBins
    var features: [Float] = []
    for song in songs.map({ alike ? 0 : $0 }) {
      for index in 0..<values {
        let loudness: Float = index % 12 == 0 ? Float(song % 3) / 2 : 1
        features.append(noise(song * values + index) * loudness)
      }
    }
    let labels = songs.map { alike ? 0 : $0 }.flatMap { song -> [Float] in
      [song % 3 == 2 ? 1 : 0, song % 2 == 0 ? 1 : 0, 0, 1]
    }
    return Batch(songs: songs.map { UInt32($0) }, width: 12, features: features, labels: labels)
  }
}
