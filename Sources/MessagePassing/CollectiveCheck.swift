import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A collective tried with answers known beforehand, on any communicator: the contract of `Communicator`, which
/// the tests hold the in-process twin to, and `crnn-dist check-mpi` a cluster's MPI.
public struct CollectiveCheck: Sendable {
  /// The collective's name, for a table.
  public let name: String
  private let body: @Sendable (any Communicator, inout Answers) throws -> Void

  /// Collective. Throws on all ranks when an answer is wrong on any.
  public func run(_ communicator: any Communicator) throws {
    var answers = Answers()
    try body(communicator, &answers)
    try communicator.agree { if let failure = answers.failure { throw failure } }
  }

  /// The first answer that was wrong. A rank that has got one goes on to the end, since the others do.
  private struct Answers {
    private(set) var failure: Failure?

    mutating func expect(_ holds: Bool, _ what: String) {
      if !holds, failure == nil { failure = Failure(.fault, "did not arrive as expected: \(what)") }
    }
  }

  public static let all: [CollectiveCheck] = [
    CollectiveCheck(name: "barrier") { communicator, _ in
      try communicator.barrier()
      // Late enough for the others to sleep.
      if communicator.rank == communicator.size - 1 { usleep(20_000) }
      try communicator.waitForAll()
    },
    CollectiveCheck(name: "broadcast", body: checkBroadcast),
    CollectiveCheck(name: "allreduce of floats") { try checkAllreduce(of: Float.self, $0, &$1) },
    CollectiveCheck(name: "allreduce of doubles") { try checkAllreduce(of: Double.self, $0, &$1) },
    CollectiveCheck(name: "allreduce of 32-bit integers") { try checkAllreduce(of: Int32.self, $0, &$1) },
    CollectiveCheck(name: "allreduce of 64-bit integers") { try checkAllreduce(of: Int.self, $0, &$1) },
    CollectiveCheck(name: "allreduce of unsigned integers") {
      try checkAllreduce(of: UInt32.self, $0, &$1)
      try checkAllreduce(of: UInt64.self, $0, &$1)
    },
    CollectiveCheck(name: "sums equal on all ranks", body: checkEqualSums),
    CollectiveCheck(name: "gather", body: checkGather),
    CollectiveCheck(name: "agreement on failures", body: checkAgreement),
  ]

  // Lengths around powers of two and of odd divisors, so that every rank's part of a ring or tree differs.
  private static let lengths = [0, 1, 2, 7, 64, 1_001, 65_537]

  private static func checkBroadcast(_ communicator: any Communicator, _ answers: inout Answers) throws {
    for root in 0..<communicator.size {
      for length in lengths {
        let own = (0..<length).map { Int32(truncatingIfNeeded: $0 &* 31 &+ communicator.rank) }
        let expected = (0..<length).map { Int32(truncatingIfNeeded: $0 &* 31 &+ root) }
        answers.expect(try communicator.broadcast(own, root: root) == expected, "rank \(root)'s \(length) numbers")
      }
    }
  }

  private static func checkAllreduce<Number: ReducibleNumber>(
    of type: Number.Type, _ communicator: any Communicator, _ answers: inout Answers
  ) throws {
    // Small whole numbers: exact in every type, whatever the order of the additions.
    func value(_ rank: Int, _ index: Int) -> Int { (rank + 1) * (index % 11 + 1) }
    let size = communicator.size
    for length in lengths {
      let own = (0..<length).compactMap { Number(exactly: value(communicator.rank, $0)) }
      for (reduction, answer) in [
        (Reduction.sum, size * (size + 1) / 2), (.minimum, 1), (.maximum, size),
      ] {
        let expected = (0..<length).compactMap { Number(exactly: answer * ($0 % 11 + 1)) }
        answers.expect(
          try communicator.allreduce(own, reduction) == expected, "the \(reduction.rawValue) of \(length) numbers")
      }
    }
  }

  /// Sums that are not exact must still be the same to the last bit on every rank, or replicas drift apart.
  private static func checkEqualSums(_ communicator: any Communicator, _ answers: inout Answers) throws {
    let own = (0..<30_011).map { Float(($0 * 7_919 + communicator.rank * 104_729) % 10_007) / 9_973 }
    let sums = try communicator.allreduce(own, .sum)
    let roots = try communicator.broadcast(sums)
    let differing = zip(sums, roots).count { $0.bitPattern != $1.bitPattern }
    answers.expect(differing == 0, "rank 0's sums (\(differing) of \(sums.count) differ in their last bits)")
  }

  private static func checkGather(_ communicator: any Communicator, _ answers: inout Answers) throws {
    func part(_ rank: Int, _ scale: Int) -> [Int] { Array(repeating: rank, count: rank % 3 * scale) }
    let size = communicator.size
    for scale in [1, 1_000] {
      let expected = (0..<size).map { part($0, scale) }
      let own = part(communicator.rank, scale)
      answers.expect(try communicator.allgather(own) == expected, "every rank's numbers")
      for root in 0..<size {
        let gathered = try communicator.gather(own, root: root)
        answers.expect(
          gathered == (communicator.rank == root ? expected : nil), "every rank's numbers on the root")
      }
    }
  }

  private static func checkAgreement(_ communicator: any Communicator, _ answers: inout Answers) throws {
    let last = communicator.size - 1
    do {
      try communicator.agree {
        if communicator.rank == last { throw Failure(.badData, "a trial") }
      }
    } catch let failure as Failure where failure.isAgreed && failure.message.hasSuffix("a trial") {
      return
    }
    answers.expect(false, "the last rank's failure")
  }
}
