import DataParallel
import MessagePassing
import Networks
import Testing

@Suite struct GradientReductionTests {
  @Test(arguments: [1, 7, 64, 1 << 20])
  func sumsTheWholeArenaWhateverTheBuckets(bucketFloats: Int) throws {
    let sums = try InProcessCommunicator.run(size: 3) { communicator in
      let arena = smallArena()
      for name in arena.names {
        let count = arena.placement(of: name)!.count
        arena.setValues((0..<count).map { Float($0 * (communicator.rank + 1)) }, of: name)
      }
      try GradientReduction(communicator, bucketBytes: bucketFloats * 4).sum(arena)
      return arena.names.map { arena.values(of: $0)! }
    }
    for sum in sums {
      for values in sum { #expect(values == values.indices.map { Float($0 * 6) }) }
    }
  }

  @Test func theMeanOverSongsWeighsRanksByTheirSongs() throws {
    let songs = [5, 0, 3]
    let means = try InProcessCommunicator.run(size: 3) { communicator in
      let arena = smallArena()
      // A rank without songs may hold anything.
      let value: Float = communicator.rank == 1 ? .nan : Float(communicator.rank + 1)
      arena.setValues([Float](repeating: value, count: 17), of: "bias")
      try GradientReduction(communicator).mean(arena, localSongs: songs[communicator.rank], globalSongs: 8)
      return arena.values(of: "bias")!
    }
    for mean in means { #expect(mean == [Float](repeating: (1 * 5 + 3 * 3) / 8, count: 17)) }
  }

  @Test func oneRankAloneKeepsItsValues() throws {
    _ = try InProcessCommunicator.run(size: 1) { communicator in
      let arena = smallArena()
      arena.setValues([Float](repeating: 0.1, count: 17), of: "bias")
      try GradientReduction(communicator).sum(arena)
      try GradientReduction(communicator).mean(arena, localSongs: 4, globalSongs: 4)
      #expect(arena.values(of: "bias") == [Float](repeating: 0.1, count: 17))
    }
  }

  @Test func statisticsAreSummedInDoubles() throws {
    let sums = try InProcessCommunicator.run(size: 4) { communicator in
      var values = [1e-9, Double(communicator.rank)]
      values[0] += communicator.rank == 0 ? 1 : 0
      try values.withUnsafeMutableBufferPointer { try SynchronousStatistics(communicator).sum($0) }
      return values
    }
    for sum in sums { #expect(abs(sum[0] - 1.000000004) < 1e-15 && sum[1] == 6) }
  }
}

/// Tensors with padding and without.
func smallArena() -> ParameterArena {
  ParameterArena([
    TensorDeclaration("kernel", [3, 48], groups: 3), TensorDeclaration("bias", [17]),
    TensorDeclaration("empty", [0, 16]),
  ])
}
