import Diagnosis
import MessagePassing
import Testing

@Suite struct InProcessCommunicatorTests {
  @Test(arguments: [1, 2, 3, 5, 8])
  func sumsMinimaAndMaximaOverRanks(size: Int) throws {
    let results = try InProcessCommunicator.run(size: size) { communicator in
      let own = [Double(communicator.rank), Double(communicator.rank) * 0.5 + 1]
      return [
        try communicator.allreduce(own, .sum), try communicator.allreduce(own, .minimum),
        try communicator.allreduce(own, .maximum),
      ]
    }
    let ranks = (0..<size).map(Double.init)
    let total = ranks.reduce(0, +)
    let last = Double(size - 1)
    for result in results {
      #expect(result == [[total, total * 0.5 + Double(size)], [0, 1], [last, last * 0.5 + 1]])
    }
  }

  @Test func integerSumsWrapAsInMPI() throws {
    let sums = try InProcessCommunicator.run(size: 2) { try $0.allreduce(UInt64.max, .sum) }
    #expect(sums == [UInt64.max - 1, UInt64.max - 1])
  }

  @Test func broadcastsNumbersAndValuesFromAnyRoot() throws {
    for root in 0..<3 {
      let results = try InProcessCommunicator.run(size: 3) { communicator in
        let numbers = try communicator.broadcast(
          [Float](repeating: Float(communicator.rank), count: 4), root: root)
        let words = try communicator.broadcast(["from": communicator.rank], root: root)
        return (numbers, words)
      }
      for (numbers, words) in results {
        #expect(numbers == [Float](repeating: Float(root), count: 4))
        #expect(words == ["from": root])
      }
    }
  }

  @Test func carriesInfinitiesAndNaNInValues() throws {
    struct Extremes: Codable, Sendable { var values: [Double] }
    let results = try InProcessCommunicator.run(size: 2) {
      try $0.broadcast(Extremes(values: [.infinity, -.infinity, .nan, 0.1])).values
    }
    for values in results {
      #expect(values[0] == .infinity && values[1] == -.infinity && values[2].isNaN && values[3] == 0.1)
    }
  }

  @Test func gathersUnequalCountsByRank() throws {
    let results = try InProcessCommunicator.run(size: 4) { communicator in
      let own = [Int](repeating: communicator.rank, count: communicator.rank)
      return (try communicator.gather(own, root: 2), try communicator.allgather(own))
    }
    let expected = [[], [1], [2, 2], [3, 3, 3]]
    for (rank, (onRoot, everywhere)) in results.enumerated() {
      #expect(onRoot == (rank == 2 ? expected : nil))
      #expect(everywhere == expected)
    }
  }

  @Test func differentCollectivesAreAnErrorNotAHang() throws {
    let outcomes = try caught(size: 3) { communicator in
      if communicator.rank == 1 {
        _ = try communicator.allreduce(1.0, .sum)
      } else {
        try communicator.barrier()
      }
    }
    for message in outcomes {
      #expect(message.contains("different collectives") && message.contains("rank 1 allreduce"))
    }
  }

  @Test func differentCountsAreAnErrorNotAHang() throws {
    let outcomes = try caught(size: 2) { communicator in
      _ = try communicator.allreduce([Float](repeating: 0, count: 1 + communicator.rank), .sum)
    }
    #expect(outcomes.allSatisfy { $0.contains("different collectives") })
  }

  @Test func aRankThatThrowsReleasesTheOthersAndItsErrorWins() {
    #expect(throws: Failure(.badData, "rank 1's own trouble")) {
      try InProcessCommunicator.run(size: 3) { communicator in
        if communicator.rank == 1 { throw Failure(.badData, "rank 1's own trouble") }
        try communicator.barrier()
      }
    }
  }

  @Test func aRankThatEndsEarlyReleasesTheOthers() {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) { communicator in
        if communicator.rank == 0 { try communicator.barrier() }
      }
    }
    #expect(failure?.message.contains("rank 1 has ended") == true)
  }

  @Test func abortReleasesTheOthersAndNamesTheRank() {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 3) { communicator in
        if communicator.rank == 2 { communicator.abort(exitCode: 65) }
        try communicator.barrier()
      }
    }
    #expect(failure?.message == "rank 2 aborted the job with exit code 65")
  }

  @Test func manyRoundsKeepTheirOrder() throws {
    let results = try InProcessCommunicator.run(size: 4) { communicator in
      var seen = 0
      for round in 0..<2_000 { seen += try communicator.broadcast([round], root: round % 4)[0] }
      return seen
    }
    #expect(results == [Int](repeating: 1_999_000, count: 4))
  }

  /// What each rank caught, by rank.
  private func caught(
    size: Int, _ body: @escaping @Sendable (InProcessCommunicator) throws -> Void
  ) throws -> [String] {
    try InProcessCommunicator.run(size: size) { communicator in
      do {
        try body(communicator)
        return "nothing"
      } catch { return "\(error)" }
    }
  }
}
