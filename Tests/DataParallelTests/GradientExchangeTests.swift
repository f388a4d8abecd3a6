import DataParallel
import Foundation
import MessagePassing
import Networks
import Testing

/// What a replica sees of an exchange's memory.
private struct ReplicaOfArenas {
  let gradients: UnsafeMutableBufferPointer<Double>
  let sum: UnsafeMutableBufferPointer<Float>

  init(_ memory: GradientMemory, count: Int) {
    gradients = UnsafeMutableBufferPointer(start: memory.gradients, count: count)
    sum = UnsafeMutableBufferPointer(start: memory.sum, count: count)
  }
}

/// Tensors with padding and without.
func smallArena() -> ParameterArena {
  ParameterArena([
    TensorDeclaration("kernel", [3, 48], groups: 3), TensorDeclaration("bias", [17]),
    TensorDeclaration("empty", [0, 16]),
  ])
}

@Suite struct GradientExchangeTests {
  private static let layout = GradientLayout(layers: [0..<1_600, 1_600..<1_632, 1_632..<4_640])

  /// A gradient that differs from value to value, from rank to rank and from step to step, with bits to lose.
  private static func gradient(_ index: Int, rank: Int, step: Int) -> Double {
    sin(Double(index * 31 + rank * 7 + step * 3)) * pow(10, Double(index % 5 - 3))
  }

  /// Of each rank and step, the sums that it has.
  private static func sums(
    size: Int, ranksPerNode: Int, _ options: ReplicaExchange.Options, steps: Int = 3
  ) throws -> [[[Float]]] {
    try InProcessCommunicator.run(size: size, ranksPerNode: ranksPerNode) { communicator in
      let exchange = try GradientExchange(
        communicator, layout, format: options.format, overlaps: options.overlaps, bucketBytes: options.bucketBytes)
      let replica = ReplicaOfArenas(exchange.replicaMemory, count: layout.count)
      let sums = try (1...steps).map { step in
        try exchange.begin()
        for layer in layout.layers.reversed() {
          for i in layer { replica.gradients[i] = gradient(i, rank: communicator.rank, step: step) }
          exchange.take(from: layer.lowerBound)
          exchange.poll()
        }
        try exchange.finish()
        return Array(replica.sum)
      }
      // Whoever goes before the others have their sums is missed.
      try communicator.barrier()
      return sums
    }
  }

  @Test(arguments: [(2, 2), (2, 1), (3, 3), (3, 2), (3, 1), (5, 3), (8, 4), (8, 1), (7, 2)])
  func allRanksHaveTheRoundedSumOfAllGradients(size: Int, ranksPerNode: Int) throws {
    for bucketBytes in [1_000, 1 << 20] {
      let all = try Self.sums(size: size, ranksPerNode: ranksPerNode, .init(bucketBytes: bucketBytes))
      for ranks in all { #expect(ranks == all[0]) }
      for (step, sums) in all[0].enumerated() {
        for (index, sum) in sums.enumerated() {
          let expected = (0..<size).map { Self.gradient(index, rank: $0, step: step + 1) }.reduce(0, +)
          #expect(abs(Double(sum) - expected) <= 1e-7 * abs(expected) + 1e-15)
        }
      }
      // The same bits as on one node.
      #expect(try all[0] == Self.sums(size: size, ranksPerNode: size, .init())[0])
    }
  }

  @Test func whatBrainFloatsLoseComesInLaterSteps() throws {
    let steps = 40
    let all = try Self.sums(size: 3, ranksPerNode: 1, .init(format: .bf16), steps: steps)
    for ranks in all { #expect(ranks == all[0]) }
    var worst = 0.0
    for index in 0..<Self.layout.count {
      var (expected, largest, found) = (0.0, 0.0, 0.0)
      for step in 1...steps {
        let values = (0..<3).map { Self.gradient(index, rank: $0, step: step) }
        expected += values.reduce(0, +)
        largest = max(largest, values.map(abs).reduce(0, +))
        found += Double(all[0][step - 1][index])
      }
      // All that is lost is what the last step rounded, whatever the number of steps.
      worst = max(worst, abs(found - expected) / largest)
    }
    #expect(worst < 0.02, "\(worst)")
    #expect(worst > 1e-5, "something must have been rounded")
  }

  @Test func settledErrorsAreTheSameForWhoGoesOnAndWhoBeginsWithThem() throws {
    for ranksPerNode in [1, 2] {
      let sums = try InProcessCommunicator.run(size: 4, ranksPerNode: ranksPerNode) { communicator in
        let first = try Self.exchange(communicator)
        try Self.step(first, 1, communicator)
        let errors = ParameterArena([TensorDeclaration("gradients", [Self.layout.count])])
        try first.exchange.settleErrors(in: errors)
        try communicator.broadcast([errors])
        let second = try Self.exchange(communicator)
        try second.exchange.takeErrors(errors)
        let pair = try [first, second].map { each in
          try (2...4).flatMap { step -> [Float] in
            try Self.step(each, step, communicator)
            return Array(each.replica.sum)
          }
        }
        try communicator.barrier()
        return (pair[0] == pair[1], errors.storage.all.contains { $0 != 0 })
      }
      for (areEqual, hasErrors) in sums { #expect(areEqual && hasErrors) }
    }
  }

  /// Which node has a sum's error depends on the buckets, and they are chosen by a measurement.
  @Test(arguments: [2, 3]) func settledErrorsDoNotDependOnTheBuckets(size: Int) throws {
    let settled = try [1_000, 1 << 20].map { bucketBytes in
      try InProcessCommunicator.run(size: size, ranksPerNode: 1) { communicator -> [UInt32] in
        let exchange = try Self.exchange(communicator, bucketBytes: bucketBytes)
        let errors = ParameterArena([TensorDeclaration("gradients", [Self.layout.count])])
        for step in 1...4 {
          try Self.step(exchange, step, communicator)
          try exchange.exchange.settleErrors(in: errors)
        }
        return communicator.isRoot ? errors.storage.all.map(\.bitPattern) : []
      }
    }
    #expect(settled[0] == settled[1])
  }

  private static func exchange(
    _ communicator: InProcessCommunicator, bucketBytes: Int? = nil
  ) throws -> (exchange: GradientExchange, replica: ReplicaOfArenas) {
    let exchange = try GradientExchange(communicator, layout, format: .bf16, bucketBytes: bucketBytes)
    return (exchange, ReplicaOfArenas(exchange.replicaMemory, count: layout.count))
  }

  private static func step(
    _ each: (exchange: GradientExchange, replica: ReplicaOfArenas), _ step: Int,
    _ communicator: InProcessCommunicator
  ) throws {
    try each.exchange.begin()
    for i in 0..<layout.count { each.replica.gradients[i] = gradient(i, rank: communicator.rank, step: step) }
    try each.exchange.finish()
  }

  @Test func aRankThatEndsReleasesThoseThatWaitForIt() throws {
    #expect(throws: (any Error).self) {
      try InProcessCommunicator.run(size: 3, ranksPerNode: 1) { communicator in
        let exchange = try GradientExchange(communicator, Self.layout)
        if communicator.rank == 1 { return }
        try exchange.begin()
        try exchange.finish()
      }
    }
  }
}

@Suite struct ReplicaExchangeTests {
  @Test(arguments: [(1, 1), (2, 2), (4, 1), (5, 2), (20, 1)])
  func smallSumsAreTheSameForEverybody(size: Int, ranksPerNode: Int) throws {
    let sums = try InProcessCommunicator.run(size: size, ranksPerNode: ranksPerNode) { communicator in
      let exchange = try ReplicaExchange(
        communicator, GradientLayout(layers: [0..<64]), smallSums: 64, .init())
      let sums = try (0..<50).map { round in
        // Sometimes more than there is room for at once.
        try exchange.sum((0..<round * 7).map { 1e-9 * Double($0) + Double(communicator.rank * round) })
      }
      try communicator.barrier()
      return sums
    }
    for sum in sums { #expect(sum == sums[0]) }
    for (round, values) in sums[0].enumerated() {
      for (index, value) in values.enumerated() {
        let expected = Double(size) * 1e-9 * Double(index) + Double(round * size * (size - 1) / 2)
        #expect(abs(value - expected) <= 1e-12 * max(1, expected))
      }
    }
  }

  @Test func theMeanOverSongsWeighsRanksByTheirSongs() throws {
    let songs = [5, 0, 3]
    let means = try InProcessCommunicator.run(size: 3) { communicator in
      let arena = ParameterArena([TensorDeclaration("bias", [17])])
      // A rank without songs may hold anything.
      let value: Float = communicator.rank == 1 ? .nan : Float(communicator.rank + 1)
      arena.setValues([Float](repeating: value, count: 17), of: "bias")
      let exchange = try ReplicaExchange(communicator, GradientLayout(layers: [0..<64]), smallSums: 64, .init())
      try exchange.mean(arena, localSongs: songs[communicator.rank], globalSongs: 8)
      return arena.values(of: "bias")!
    }
    for mean in means { #expect(mean == [Float](repeating: (1 * 5 + 3 * 3) / 8, count: 17)) }
  }

  @Test func statisticsAreSummedInDoubles() throws {
    let sums = try InProcessCommunicator.run(size: 4) { communicator in
      var values = [1e-9, Double(communicator.rank)]
      values[0] += communicator.rank == 0 ? 1 : 0
      let exchange = try ReplicaExchange(communicator, GradientLayout(layers: [0..<64]), smallSums: 64, .init())
      try values.withUnsafeMutableBufferPointer { try SynchronousStatistics(exchange).sum($0) }
      return values
    }
    for sum in sums { #expect(abs(sum[0] - 1.000000004) < 1e-15 && sum[1] == 6) }
  }
}
