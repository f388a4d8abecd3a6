import DataParallel
import Diagnosis
import MessagePassing
import Networks
import Testing

@Suite struct ReplicaAgreementTests {
  @Test func afterABroadcastAllRanksHaveTheRootsTensorsAndAgree() throws {
    let biases = try InProcessCommunicator.run(size: 4) { communicator in
      let arena = smallArena()
      arena.setValues([Float](repeating: Float(communicator.rank), count: 17), of: "bias")
      try communicator.broadcast([arena], root: 2)
      try communicator.checkReplicasAgree([arena], when: "after the broadcast")
      return arena.values(of: "bias")!
    }
    for bias in biases { #expect(bias == [Float](repeating: 2, count: 17)) }
  }

  @Test(arguments: 0..<17)
  func oneChangedBitIsFoundAndTheRankNamed(index: Int) throws {
    let failures = try InProcessCommunicator.run(size: 4) { communicator -> Failure? in
      let arena = smallArena()
      var bias = (0..<17).map { Float($0) + 0.5 }
      if communicator.rank == 3 { bias[index] = bias[index].nextUp }
      arena.setValues(bias, of: "bias")
      return failure { try communicator.checkReplicasAgree([arena], when: "after step 7") }
    }
    for failure in failures {
      let failure = try #require(failure)
      #expect(failure.isAgreed && failure.kind == .fault)
      #expect(failure.message.contains("replicas differ after step 7: bias of rank 3 is not"))
    }
  }

  @Test func whenRankZeroIsTheOddOneItIsNamed() throws {
    let failures = try InProcessCommunicator.run(size: 3) { communicator -> Failure? in
      let arena = smallArena()
      arena.setValues([Float](repeating: communicator.rank == 0 ? 1 : 2, count: 144), of: "kernel")
      return failure { try communicator.checkReplicasAgree([arena], when: "at the end") }
    }
    for failure in failures { #expect(failure?.message.contains("kernel of rank 0 is not") == true) }
  }

  @Test func negativeZeroAndZeroAreDifferentBits() throws {
    let failures = try InProcessCommunicator.run(size: 2) { communicator -> Failure? in
      let arena = smallArena()
      arena.setValues([Float](repeating: communicator.rank == 0 ? 0.0 : -0.0, count: 17), of: "bias")
      return failure { try communicator.checkReplicasAgree([arena], when: "now") }
    }
    for failure in failures { #expect(failure?.message.contains("bias of rank 1") == true) }
  }
}

/// The failure the body throws, if any.
private func failure(_ body: () throws -> Void) -> Failure? {
  do {
    try body()
    return nil
  } catch { return error as? Failure }
}
