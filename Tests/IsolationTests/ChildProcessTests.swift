import FileAccess
import Isolation
import Testing

@Suite struct ChildProcessTests {
  private func shell(_ line: String, environment: [String: String] = [:]) throws -> ChildProcess {
    try ChildProcess(executable: "/bin/sh", arguments: ["-c", line], environment: environment)
  }

  /// A child that sends back what it gets.
  private func echo() throws -> ChildProcess { try shell("exec /bin/cat <&0 >&0") }

  @Test func messagesOfEveryLengthComeBackWholeAndInOrder() throws {
    let child = try echo()
    // The longest is longer than what a socket holds, so it is sent while it comes back: not both at once here.
    let messages = [0, 1, 7, 8, 9, 5000, 60_000].map { count in
      (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    }
    for message in messages { child.channel.post(message) }
    #expect(child.channel.flush())
    for message in messages { #expect(child.channel.receive() == .message(message)) }
    #expect(!child.channel.hasMessage)
  }

  @Test func whatIsNoMessageClosesTheChannel() throws {
    let child = try shell("printf '\\377\\377\\377\\377\\377\\377\\377\\377more' >&0")
    #expect(child.channel.receive() == .closed)
  }

  @Test func patienceEnds() throws {
    let child = try shell("sleep 30")
    child.channel.setPatience(seconds: 1)
    let time = ContinuousClock().measure { #expect(child.channel.receive() == .nothing) }
    #expect(time > .milliseconds(900) && time < .seconds(20))
  }

  @Test(arguments: [
    ("exit 0", ChildProcess.Ending.exited(code: 0)), ("exit 3", .exited(code: 3)),
    ("kill -SEGV $$", .signalled(number: 11)), ("kill -KILL $$", .signalled(number: 9)),
  ]) func theEndIsTold(line: String, ending: ChildProcess.Ending) throws {
    let child = try shell(line)
    #expect(child.channel.receive() == .closed)
    #expect(child.endingAfterClosing() == ending)
    #expect(child.channel.send([1]) == false)
  }

  @Test func theChildHasTheEnvironmentItIsGivenAndNoOther() throws {
    let child = try shell("[ \"$GIVEN\" = yes ] && [ -z \"$HOME\" ] && exit 7", environment: ["GIVEN": "yes"])
    #expect(child.channel.receive() == .closed)
    #expect(child.endingAfterClosing() == .exited(code: 7))
  }

  @Test func aProgramThatIsNotThereIsAnError() {
    #expect(throws: SystemError.self) {
      try ChildProcess(executable: "/nowhere/at/all", arguments: [], environment: [:])
    }
  }

  @Test func aChildThatIsNotWantedAnyMoreIsKilled() throws {
    var child: ChildProcess? = try shell(
      "trap '' TERM; printf '\\0\\0\\0\\0\\0\\0\\0\\0' >&0; while :; do :; done")
    #expect(child?.channel.receive() == .message([]))
    let time = ContinuousClock().measure { child = nil }
    #expect(time < .seconds(5))
  }
}
