import Foundation
import MessagePassing
import Testing

@Suite struct NodeLayoutTests {
  @Test func ranksWithTheSameLowestRankAreANode() {
    let layout = NodeLayout(lowestRanks: [0, 0, 2, 0, 2, 5])
    #expect(layout.nodes == [[0, 1, 3], [2, 4], [5]])
    #expect(layout.nodeOfRank == [0, 0, 1, 0, 1, 2])
    #expect(layout.neighbours(of: 3) == [0, 1, 3] && layout.speaker(of: 1) == 2)
    #expect((0..<6).filter(layout.isSpeaker) == [0, 2, 5])
    #expect(NodeLayout(size: 5, ranksPerNode: 2).nodes == [[0, 1], [2, 3], [4]])
    #expect(NodeLayout(size: 3, ranksPerNode: 9).nodes == [[0, 1, 2]])
  }

  @Test func theEnvironmentLimitsRanksOfANodeWhereItSaysANumber() {
    let name = NodeLayout.environmentVariable
    #expect(NodeLayout.ranksPerNode(of: [name: "2"]) == 2)
    for text in ["", "0", "-1", "two"] { #expect(NodeLayout.ranksPerNode(of: [name: text]) == nil) }
    #expect(NodeLayout.ranksPerNode(of: [:]) == nil)
  }
}

@Suite struct NodeMemoryTests {
  @Test func ranksOfANodeSeeTheSameMemoryAndOthersDoNot() throws {
    let seen = try InProcessCommunicator.run(size: 4, ranksPerNode: 2) { communicator -> [UInt8] in
      let memory = try communicator.makeNodeMemory(bytes: 4)!
      let zeros = Array(memory.bytes)
      #expect(zeros == [0, 0, 0, 0])
      try communicator.barrier()
      memory.bytes[communicator.rank] = UInt8(communicator.rank + 1)
      try communicator.barrier()
      return Array(memory.bytes)
    }
    #expect(seen == [[1, 2, 0, 0], [1, 2, 0, 0], [0, 0, 3, 4], [0, 0, 3, 4]])
  }

  @Test func whoSeesACounterSeesWhatWasWrittenBefore() throws {
    _ = try InProcessCommunicator.run(size: 2) { communicator in
      let memory = try communicator.makeNodeMemory(bytes: SharedCounters.bytes(2) + 8)!
      let counters = SharedCounters(at: memory.bytes.baseAddress!, count: 2)
      let place = memory.bytes.baseAddress! + SharedCounters.bytes(2)
      for round in 1...1_000 {
        if communicator.rank == 0 {
          place.storeBytes(of: round, as: Int.self)
          counters.set(0, to: round)
        }
        var backoff = Backoff()
        while !counters.have(0..<1, reached: round) { backoff.pause() }
        #expect(place.load(as: Int.self) == round)
        if communicator.rank == 1 { counters.set(1, to: round) }
        while counters.value(1) < round { backoff.pause() }
      }
    }
  }
}

@Suite struct MessageQueueTests {
  @Test func messagesOfOneTagComeInTheirOrderAndTagsDoNotMeet() throws {
    _ = try InProcessCommunicator.run(size: 2) { communicator in
      let queue = try communicator.makeMessageQueue()
      let other = 1 - communicator.rank
      let room = UnsafeMutableBufferPointer<Int>.allocate(capacity: 9)
      defer { room.deallocate() }
      // The last tag is expected first.
      for tag in [2, 1, 0] {
        for index in 0..<3 {
          try queue.receive(
            UnsafeMutableRawBufferPointer(
              rebasing: UnsafeMutableRawBufferPointer(room)[(tag * 3 + index) * 8..<(tag * 3 + index) * 8 + 8]),
            from: other, tag: tag, number: tag * 3 + index)
        }
      }
      var ended: [Int] = []
      for index in 0..<9 {
        var value = 100 * communicator.rank + index
        try withUnsafeBytes(of: &value) { try queue.send($0, to: other, tag: index / 3, number: 100) }
      }
      while ended.count < 18 { ended += try queue.poll() }
      #expect(ended.filter { $0 < 100 }.sorted() == Array(0..<9))
      #expect(Array(room) == (0..<9).map { 100 * other + $0 })
      #expect(queue.count == 0)
    }
  }
}
