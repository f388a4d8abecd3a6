import Foundation
import MessagePassing
import Testing

/// MPI alone in this process (singleton); worlds of several ranks are tested with a real mpirun, through
/// `crnn-dist check-mpi`.
@Suite(.serialized) struct MPICommunicatorTests {
  @Test func aProcessWithoutALauncherIsAWorldOfOneAndQuicklySo() throws {
    let begin = Date()
    let communicator = try MPICommunicator.start()
    #expect(Date().timeIntervalSince(begin) < 10)
    #expect(communicator.size == 1 && communicator.rank == 0)
    #expect(communicator.layout.nodes == [[0]])
    #expect(try MPICommunicator.start() === communicator)

    #expect(try communicator.allreduce([1.5, 2], .sum) == [1.5, 2])
    #expect(try communicator.broadcast(["a", "b"]) == ["a", "b"])
    #expect(try communicator.gather([1, 2, 3]) == [[1, 2, 3]])
    #expect(try communicator.allgather([Float]()) == [[]])
    try communicator.barrier()
    #expect((1...ProcessorSet.current.count).contains(try communicator.fairThreadCount()))
  }
}
