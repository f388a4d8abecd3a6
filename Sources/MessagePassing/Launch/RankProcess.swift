import Foundation

/// Another rank of this node as the operating system knows it.
public struct RankProcess: Sendable {
  private let number: Int32

  /// The ranks that share this one's node. Collective.
  public static func others(of communicator: any Communicator) throws -> [RankProcess] {
    let processes = try communicator.allgather([Int(getpid())])
    let hosts = try communicator.allgather(communicator.hostName)
    return (0..<communicator.size).filter { $0 != communicator.rank && hosts[$0] == communicator.hostName }
      .compactMap { processes[$0].first.map { RankProcess(number: Int32($0)) } }
  }

  /// What a process is called from the moment on that it ends the job because of a failure (proc(5), `/proc/PID/comm`,
  /// at most 15 bytes).
  private static let nameOfFailing = "crnn-dist-fails"

  /// Lets the other ranks of the node know that this one ends the job and has said why.
  static func announceFailure() {
    try? FileHandle(forWritingAtPath: "/proc/self/comm")?.write(contentsOf: Data(nameOfFailing.utf8))
  }

  /// Asks it to stop.
  public func stop() { kill(number, SIGTERM) }

  /// Whether it is gone, or has announced that it ends the job.
  public var hasEndedOrFails: Bool {
    guard let bytes = try? FileHandle(forReadingAtPath: "/proc/\(number)/stat")?.readToEnd() else { return true }
    // The name stands in brackets, and the state, Z for one that has ended, behind it.
    let status = String(decoding: bytes, as: UTF8.self)
    return status.contains("(\(Self.nameOfFailing))") || status.contains(") Z ")
  }
}
