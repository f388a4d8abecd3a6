import MessagePassing
import Testing

@Suite struct CollectiveCheckTests {
  @Test(arguments: [1, 2, 3, 4, 7])
  func theInProcessTwinPassesEveryCheck(size: Int) throws {
    _ = try InProcessCommunicator.run(size: size) { communicator in
      for check in CollectiveCheck.all { try check.run(communicator) }
    }
  }
}
