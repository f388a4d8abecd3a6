import FileAccess
import Foundation
import Synchronization

/// Children that run this same program under a command of its own, not meant for people.
///
/// Such a command greets its parent first; a program that has it says so at its start. One that does not (a test), and
/// a child itself, does everything in its own process.
public enum ProgramChild {
  static let greeting: [UInt8] = Array("ready".utf8)

  private static let isOffered = Mutex(false)

  /// Tells that this program has the commands.
  public static func offer() { isOffered.withLock { $0 = true } }

  /// Starts one and tells it what it must know; nil where the program does not offer it.
  /// - Throws: `SystemError` where it cannot be started, or says nothing.
  public static func start(_ command: String, telling message: [UInt8]? = nil) throws(SystemError)
    -> ChildProcess?
  {
    guard isOffered.withLock({ $0 }) else { return nil }
    let child = try ChildProcess(
      executable: "/proc/self/exe", arguments: [command],
      environment: environment(ProcessInfo.processInfo.environment))
    child.channel.setPatience(seconds: 60)
    guard child.channel.receive() == .message(greeting), message.map({ child.channel.send($0) }) ?? true else {
      throw SystemError(number: ECHILD)
    }
    return child
  }

  /// In the child: takes its limits and greets the parent. Nil where standard input is no channel of a parent.
  /// - Parameter memory: bytes of address space beside those that it has at its start; nil for no limit yet.
  public static func enter(memory: Int?) -> MessageChannel? {
    guard MessageChannel.isSocket(0) else { return nil }
    isOffered.withLock { $0 = false }
    ChildLimits.enter(memory: memory)
    let channel = MessageChannel(descriptor: 0)
    return channel.send(greeting) ? channel : nil
  }

  /// This process's environment without what makes a program a part of an MPI job, with one thread for arithmetic
  /// that will not be asked for, and without Swift's search for the cause of a crash, which takes a second.
  private static func environment(_ own: [String: String]) -> [String: String] {
    let job = ["OMPI_", "ORTE_", "OPAL_", "PRTE_", "PMIX_", "PMI_", "SLURM_", "MPI_"]
    var environment = own.filter { entry in !job.contains { entry.key.hasPrefix($0) } }
    environment["OPENBLAS_NUM_THREADS"] = "1"
    environment["SWIFT_BACKTRACE"] = "enable=no"
    return environment
  }
}
