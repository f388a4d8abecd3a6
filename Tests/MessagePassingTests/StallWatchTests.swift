import Foundation
import MessagePassing
import Testing

@Suite struct StallWatchTests {
  @Test func aRankThatWaitsLongSaysWhereAndTheLateOneDoesNot() throws {
    let lines = Lines()
    _ = try InProcessCommunicator.run(size: 2) { communicator in
      let watch = StallWatch(place: "rank \(communicator.rank)", seconds: 0.2, report: lines.add)
      let watched = WatchedCommunicator(communicator, watch: watch)
      if communicator.rank == 1 { Thread.sleep(forTimeInterval: 0.7) }
      _ = try watched.allreduce([Float](repeating: 1, count: 5), .sum)
    }
    let said = lines.all
    #expect(said.contains { $0.contains("rank 0 has waited") && $0.contains("in allreduce of 5 numbers;") })
    #expect(!said.contains { $0.contains("rank 1 has waited") })
    // Patience doubles: at 0.2 and at 0.4 or later, then at 0.8 or later.
    #expect(said.count { $0.contains("rank 0") } <= 3)
  }

  @Test func aRankThatIsInTimeSaysNothing() throws {
    let lines = Lines()
    let watch = StallWatch(place: "rank 0", seconds: 1, report: lines.add)
    for _ in 0..<15 { watch.waiting(in: "a step") { Thread.sleep(forTimeInterval: 0.1) } }
    #expect(lines.all.isEmpty)
  }

  @Test func noPatienceMeansNoWatch() throws {
    let lines = Lines()
    let watch = StallWatch(place: "rank 0", seconds: 0, report: lines.add)
    watch.waiting(in: "barrier") { Thread.sleep(forTimeInterval: 0.2) }
    #expect(lines.all.isEmpty)
  }

  @Test func theWatchTellsOfWaitsOutsideTheCommunicator() throws {
    let lines = Lines()
    let watch = StallWatch(place: "rank 0", seconds: 0.2, report: lines.add)
    _ = try InProcessCommunicator.run(size: 1) { communicator in
      WatchedCommunicator(communicator, watch: watch)
        .waiting(in: "the writing of a file") { Thread.sleep(forTimeInterval: 0.5) }
    }
    #expect(lines.all.contains { $0.contains("rank 0 has waited") && $0.contains("in the writing of a file;") })
  }

  @Test func theWatchedCommunicatorLeadsToMPIWhereThatJoinsItsRanks() throws {
    let world = try MPICommunicator.start()
    #expect(WatchedCommunicator(WatchedCommunicator(world)).world === world)
    _ = try InProcessCommunicator.run(size: 1) { #expect(WatchedCommunicator($0).world == nil) }
  }

  @Test func theWatchedCommunicatorAnswersAsTheOneItWatches() throws {
    _ = try InProcessCommunicator.run(size: 3) { communicator in
      let watched = WatchedCommunicator(communicator)
      for check in CollectiveCheck.all { try check.run(watched) }
      #expect(watched.rank == communicator.rank && watched.size == 3)
    }
  }
}

/// Lines that watches of several threads have said.
private final class Lines: @unchecked Sendable {
  private let lock = NSLock()
  private var lines: [String] = []

  func add(_ line: String) { lock.withLock { lines.append(line) } }
  var all: [String] { lock.withLock { lines } }
}
