import Diagnosis

/// A collective tried with answers known beforehand, on any communicator: the contract of `Communicator`, which
/// the tests hold the in-process twin to, and `crnn-dist check-mpi` a cluster's MPI.
public struct CollectiveCheck: Sendable {
  /// The collective's name, for a table.
  public let name: String
  private let body: @Sendable (any Communicator) throws -> Void

  /// Collective. Throws on all ranks when an answer is wrong on any.
  public func run(_ communicator: any Communicator) throws {
    try communicator.agree { try body(communicator) }
  }

  public static let all: [CollectiveCheck] = [
    CollectiveCheck(name: "barrier") { try $0.barrier() },
    CollectiveCheck(name: "broadcast", body: checkBroadcast),
    CollectiveCheck(name: "allreduce of floats") { try checkAllreduce(of: Float.self, $0) },
    CollectiveCheck(name: "allreduce of doubles") { try checkAllreduce(of: Double.self, $0) },
    CollectiveCheck(name: "allreduce of 32-bit integers") { try checkAllreduce(of: Int32.self, $0) },
    CollectiveCheck(name: "allreduce of 64-bit integers") { try checkAllreduce(of: Int.self, $0) },
    CollectiveCheck(name: "allreduce of unsigned integers") {
      try checkAllreduce(of: UInt32.self, $0)
      try checkAllreduce(of: UInt64.self, $0)
    },
    CollectiveCheck(name: "sums equal on all ranks", body: checkEqualSums),
    CollectiveCheck(name: "gather", body: checkGather),
    CollectiveCheck(name: "agreement on failures", body: checkAgreement),
  ]

  // Lengths around powers of two and of odd divisors, so that every rank's part of a ring or tree differs.
  private static let lengths = [0, 1, 2, 7, 64, 1_001, 65_537]

  private static func checkBroadcast(_ communicator: any Communicator) throws {
    for root in 0..<communicator.size {
      for length in lengths {
        let own = (0..<length).map { Int32(truncatingIfNeeded: $0 &* 31 &+ communicator.rank) }
        let expected = (0..<length).map { Int32(truncatingIfNeeded: $0 &* 31 &+ root) }
        try expect(communicator.broadcast(own, root: root) == expected, "rank \(root)'s \(length) numbers")
      }
    }
  }

  private static func checkAllreduce<Number: ReducibleNumber>(
    of type: Number.Type, _ communicator: any Communicator
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
        try expect(
          communicator.allreduce(own, reduction) == expected, "the \(reduction.rawValue) of \(length) numbers")
      }
    }
  }

  /// Sums that are not exact must still be the same to the last bit on every rank, or replicas drift apart.
  private static func checkEqualSums(_ communicator: any Communicator) throws {
    let own = (0..<30_011).map { Float(($0 * 7_919 + communicator.rank * 104_729) % 10_007) / 9_973 }
    let sums = try communicator.allreduce(own, .sum)
    let roots = try communicator.broadcast(sums)
    let differing = zip(sums, roots).count { $0.bitPattern != $1.bitPattern }
    try expect(differing == 0, "rank 0's sums (\(differing) of \(sums.count) differ in their last bits)")
  }

  private static func checkGather(_ communicator: any Communicator) throws {
    func part(_ rank: Int, _ scale: Int) -> [Int] { Array(repeating: rank, count: rank % 3 * scale) }
    let size = communicator.size
    for scale in [1, 1_000] {
      let expected = (0..<size).map { part($0, scale) }
      let own = part(communicator.rank, scale)
      try expect(communicator.allgather(own) == expected, "every rank's numbers")
      for root in 0..<size {
        let gathered = try communicator.gather(own, root: root)
        try expect(gathered == (communicator.rank == root ? expected : nil), "every rank's numbers on the root")
      }
    }
  }

  private static func checkAgreement(_ communicator: any Communicator) throws {
    let last = communicator.size - 1
    do {
      try communicator.agree {
        if communicator.rank == last { throw Failure(.badData, "a trial") }
      }
    } catch let failure as Failure where failure.isAgreed && failure.message.hasSuffix("a trial") {
      return
    }
    throw Failure(.fault, "the last rank's failure did not arrive")
  }

  private static func expect(_ holds: Bool, _ what: String) throws {
    guard holds else { throw Failure(.fault, "did not arrive as expected: \(what)") }
  }
}
