import Foundation

/// A process that writes somewhere, described so that another process, also one of another node, can tell whether it
/// still lives.
struct WriterIdentity: Codable, Equatable, Sendable {
  let host: String
  let process: Int32
  /// When the process started, in the kernel's ticks since the boot: numbers of processes are given out again.
  let processStart: UInt64?
  /// Tells one boot of a node from the next, and a node from others of its name.
  let boot: String?
  /// A container counts processes for itself.
  let processNamespace: String?
  /// Slurm's job, and how often it has been requeued.
  let job: String?
  let requeues: Int?
  /// When it began to write here, in UTC.
  let start: String
  /// Different for each claim.
  let token: String

  enum CodingKeys: String, CodingKey {
    case host, process, boot, job, requeues, start, token
    case processStart = "process_start"
    case processNamespace = "process_namespace"
  }

  /// Of this process, now.
  init(environment: [String: String] = ProcessInfo.processInfo.environment) {
    host = FileWriter.host
    process = getpid()
    processStart = ProcessStatus(of: getpid())?.start
    boot = Self.bootOfThisNode
    processNamespace = Self.namespaceOfThisProcess
    job = environment["SLURM_JOB_ID"]
    requeues = job.map { _ in environment["SLURM_RESTART_COUNT"].flatMap { Int($0) } ?? 0 }
    start = ISO8601DateFormatter().string(from: Date())
    token = String(UInt64.random(in: 0...UInt64.max), radix: 36)
  }

  /// What is known of a writer without having watched it.
  enum Life: Equatable {
    case lives, isDead
    /// It is of another node or container, and must be watched.
    case unknown
  }

  /// As far as `observer`, the identity of the process that asks, can know.
  func life(seenBy observer: WriterIdentity) -> Life {
    // Slurm requeues a job when the one before has ended.
    if let job, job == observer.job, let before = requeues, let now = observer.requeues, before < now {
      return .isDead
    }
    guard boot != nil, boot == observer.boot, host == observer.host,
      processNamespace == observer.processNamespace
    else { return .unknown }
    guard kill(process, 0) == 0 || errno != ESRCH else { return .isDead }
    // The system may hide other users' processes: then it is there, and nothing more is known.
    guard let status = ProcessStatus(of: process) else { return .lives }
    return status.hasEnded || status.start != processStart ? .isDead : .lives
  }

  private static var bootOfThisNode: String? {
    kernelText("/proc/sys/kernel/random/boot_id")?.trimmingCharacters(in: .whitespacesAndNewlines)
  }

  private static var namespaceOfThisProcess: String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/ns/pid")
  }
}

/// What the system tells of a process (proc(5), `/proc/PID/stat`).
private struct ProcessStatus {
  /// Ticks from the boot to its start.
  let start: UInt64
  /// It has ended, and its parent has not asked for its exit code yet.
  let hasEnded: Bool

  init?(of process: Int32) {
    guard let text = kernelText("/proc/\(process)/stat") else { return nil }
    // The name, in brackets, may hold anything; the state is the third field, the start the twenty-second.
    guard let bracket = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: bracket)...].split(separator: " ")
    guard fields.count > 19, let start = UInt64(fields[19]) else { return nil }
    self.start = start
    hasEnded = ["Z", "X", "x"].contains(fields[0])
  }
}

/// A file that the kernel makes while it is read, and that has no size before; nil where there is none.
private func kernelText(_ path: String) -> String? {
  guard let bytes = try? FileHandle(forReadingAtPath: path)?.readToEnd() else { return nil }
  return String(decoding: bytes, as: UTF8.self)
}
