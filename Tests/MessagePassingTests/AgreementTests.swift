import Diagnosis
import Foundation
import MessagePassing
import Testing

@Suite struct AgreementTests {
  @Test func allRanksGetTheirOwnValueWhenNoneFails() throws {
    let values = try InProcessCommunicator.run(size: 3) { communicator in
      try communicator.agree { communicator.rank * 10 }
    }
    #expect(values == [0, 10, 20])
  }

  @Test func everyRankThrowsTheLowestFailingRanksFailure() throws {
    let failures = try InProcessCommunicator.run(size: 4) { communicator -> Failure? in
      do {
        try communicator.agree {
          if communicator.rank >= 2 {
            throw Failure(.badData, "trouble of rank \(communicator.rank)", remedy: "mend it")
          }
        }
        return nil
      } catch { return error as? Failure }
    }
    for failure in failures {
      let failure = try #require(failure)
      #expect(failure.kind == .badData && failure.isAgreed && failure.remedy == "mend it")
      #expect(failure.message.hasPrefix("rank 2 on ") && failure.message.hasSuffix(": trouble of rank 2"))
    }
  }

  @Test func aRankAloneIsNotNamed() throws {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 1) { communicator in
        try communicator.agree { throw Failure(.missingInput, "no such tree") }
      }
    }
    #expect(failure?.message == "no such tree")
  }

  @Test func anAgreedFailureIsNotPrefixedTwice() throws {
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) { communicator in
        try communicator.agree {
          try communicator.agree { if communicator.rank == 1 { throw Failure(.badData, "once") } }
        }
      }
    }
    let message = try #require(failure).message
    #expect(message.components(separatedBy: "rank 1 on ").count == 2)
  }

  @Test func theRootsFailureReachesWhoeverWaitsForItsBroadcast() throws {
    let kinds = try InProcessCommunicator.run(size: 3) { communicator -> Failure.Kind? in
      do {
        let value: Int = try communicator.broadcast(root: 1) {
          #expect(communicator.rank == 1)
          throw Failure(.missingInput, "no file")
        }
        return value == 0 ? nil : .fault
      } catch { return (error as? Failure)?.kind }
    }
    #expect(kinds == [.missingInput, .missingInput, .missingInput])
  }

  @Test func afterAnAgreedFailureTheGroupStillWorks() throws {
    let sums = try InProcessCommunicator.run(size: 3) { communicator in
      _ = try? communicator.agree { if communicator.rank == 0 { throw Failure(.badData, "x") } }
      return try communicator.allreduce(1, .sum)
    }
    #expect(sums == [3, 3, 3])
  }
}
