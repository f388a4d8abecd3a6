import MessagePassing
import Testing

@Suite struct CollectiveCheckTests {
  @Test(arguments: [1, 2, 3, 4, 7])
  func theInProcessTwinPassesEveryCheck(size: Int) throws {
    _ = try InProcessCommunicator.run(size: size) { communicator in
      for check in CollectiveCheck.all { try check.run(communicator) }
    }
  }

  /// The others must not wait for the rank that has seen it.
  @Test(arguments: [0, 2])
  func whatArrivesWrongOnOneRankIsToldByAll(rank: Int) throws {
    let told = try InProcessCommunicator.run(size: 3) { communicator -> [String] in
      let faulty = FaultyCommunicator(communicator, isFaulty: communicator.rank == rank)
      return CollectiveCheck.all.compactMap { check in
        do {
          try check.run(faulty)
          return nil
        } catch { return "\(check.name): \(error)" }
      }
    }
    for words in told { #expect(words == told[0]) }
    #expect(told[0].count == 1, "\(told[0])")
    #expect(told[0].first?.contains("broadcast: rank \(rank) on") == true, "\(told[0])")
  }
}

/// Gives a rank another rank's numbers wrongly.
private final class FaultyCommunicator: Communicator {
  private let base: any Communicator
  private let isFaulty: Bool

  init(_ base: any Communicator, isFaulty: Bool) { (self.base, self.isFaulty) = (base, isFaulty) }

  var rank: Int { base.rank }
  var size: Int { base.size }
  var hostName: String { base.hostName }
  var layout: NodeLayout { base.layout }
  func barrier() throws { try base.barrier() }
  func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws {
    try base.broadcast(values, root: root)
    // Of the checks' own lengths, so that only one of them meets it.
    if isFaulty, root == 1, values.count == 7 * 4 { values[0] ^= 1 }
  }
  func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws {
    try base.allreduce(values, reduction)
  }
  func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]? {
    try base.gather(bytes, root: root)
  }
  func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] { try base.allgather(bytes) }
  func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory? {
    try base.makeNodeMemory(bytes: bytes, ofEach: ofEach)
  }
  func makeMessageQueue() throws -> any MessageQueue { try base.makeMessageQueue() }
  func abort(exitCode: Int32) -> Never { base.abort(exitCode: exitCode) }
}
