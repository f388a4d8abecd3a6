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

  @Test(arguments: [2, 3, 4, 8])
  func lossesWithSharedStatisticsAndDropoutDoNotDependOnTheWorldSize(size: Int) throws {
    let alone = try Self.train(size: 1, shared: true)[0]
    let many = try Self.train(size: size, shared: true)
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
    let many = try Self.train(size: size, shared: false)
    for run in many { #expect(run == many[0]) }
    // The statistics differ from those of the global batch, so the run must too; else nothing was local.
    #expect(try many[0].losses != Self.train(size: size, shared: true)[0].losses)
  }

  @Test func twiceTheSameRunIsTheSameToTheLastBit() throws {
    #expect(try Self.train(size: 3, shared: true) == Self.train(size: 3, shared: true))
  }

  private struct Run: Equatable, Sendable {
    var losses: [Double] = []
    var moving: [Float] = []
  }

  private static func train(size: Int, shared: Bool) throws -> [Run] {
    try InProcessCommunicator.run(size: size) { communicator in
      let replica = try Replica(architecture, maximumBatch: batchSize, threads: 1)
      let optimizer = Adam(for: replica.parameters)
      // Only rank 0 has the initial weights: the others must get them.
      if communicator.rank == 0 { replica.initializeWeights(seed: 3) }
      try communicator.broadcast(replica, optimizer: optimizer)
      let reduction = GradientReduction(communicator, bucketBytes: 1_000)
      let statistics = shared ? SynchronousStatistics(communicator) : nil
      var run = Run()
      for step in 1...steps {
        // Every fourth batch has a single song: most ranks then have none.
        let start = (step - 1) % 4 * batchSize
        let count = min(batchSize, songs - start)
        let first = start + count * communicator.rank / size
        let batch = Self.batch(first..<start + count * (communicator.rank + 1) / size)
        let context = StepContext(seed: 11, step: UInt32(step), globalSongs: count)
        let outcome = try replica.computeGradients(batch, step: context, statistics: statistics)
        try reduction.reduce(
          replica, localSongs: batch.count, globalSongs: count, statisticsAreShared: shared)
        replica.updateMovingStatistics()
        optimizer.apply(to: replica, learningRate: 0.01)
        run.losses.append(try communicator.allreduce(outcome.lossSum, .sum) / Double(count))
      }
      try communicator.checkReplicasAgree(
        [replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena), when: "at the end")
      run.moving = replica.movingStatistics.names.flatMap { replica.movingStatistics.values(of: $0)! }
      return run
    }
  }

  /// Songs whose first tag can be heard in the first pitch class.
  private static func batch(_ songs: Range<Int>) -> Batch {
    func noise(_ index: Int) -> Float { Float((index &* 2_654_435_761) >> 7 & 1_023) / 1_023 }
    let values = architecture.segments * architecture.frequencyBins
    var features: [Float] = []
    for song in songs {
      for index in 0..<values {
        let loudness: Float = index % 12 == 0 ? Float(song % 3) / 2 : 1
        features.append(noise(song * values + index) * loudness)
      }
    }
    let labels = songs.flatMap { song -> [Float] in [song % 3 == 2 ? 1 : 0, song % 2 == 0 ? 1 : 0, 0, 1] }
    return Batch(songs: songs.map { UInt32($0) }, width: 12, features: features, labels: labels)
  }
}
