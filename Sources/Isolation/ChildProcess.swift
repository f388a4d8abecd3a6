import FileAccess
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// check-layers: raw memory, because the system's calls for processes take addresses.

/// A process of its own that does what may end badly, and a channel to it. It is killed when this object goes.
///
/// It is made by `posix_spawn`, never by a bare `fork`: no page of this process is copied, so memory that MPI has
/// registered with the network stays as it is, and no code of this process runs in the child.
public final class ChildProcess {
  /// How a process ended.
  public enum Ending: Sendable, Equatable {
    case exited(code: Int32)
    case signalled(number: Int32)
  }

  public let channel: MessageChannel
  private let number: pid_t
  private var ending: Ending?

  /// Starts a program. Its standard input is the other end of the channel; what it prints is lost.
  /// - Throws: `SystemError` where it cannot be started.
  public init(executable: String, arguments: [String], environment: [String: String]) throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemError(number: errno) }
    channel = MessageChannel(descriptor: ends[0])
    defer { close(ends[1]) }
    var started = pid_t()
    let problem = ChildProcess.spawn(
      &started, executable, [executable] + arguments, environment.map { "\($0.key)=\($0.value)" }, input: ends[1])
    guard problem == 0 else { throw SystemError(number: problem) }
    number = started
    ChildProcess.running.withLock { _ = $0.insert(started) }
  }

  private static let running = Mutex<Set<pid_t>>([])

  /// Kills all that run: for a process that ends itself at once, without letting go of what it has.
  public static func killAll() {
    running.withLock { for number in $0 { kill(number, SIGKILL) } }
  }

  deinit { end() }

  /// Kills it where it still runs.
  public func end() {
    guard ending == nil else { return }
    kill(number, SIGKILL)
    _ = collect(waiting: true)
  }

  /// How it ended. A process that has closed its channel ends at once; one that does not is killed.
  public func endingAfterClosing() -> Ending {
    for _ in 0..<ChildProcess.patience {
      if let ending = collect(waiting: false) { return ending }
      usleep(1000)
    }
    kill(number, SIGKILL)
    return collect(waiting: true) ?? .signalled(number: SIGKILL)
  }

  /// Milliseconds that a process has for its end.
  private static let patience = 5000

  private func collect(waiting: Bool) -> Ending? {
    if let ending { return ending }
    var status: Int32 = 0
    var collected: pid_t
    repeat { collected = waitpid(number, &status, waiting ? 0 : WNOHANG) } while collected < 0 && errno == EINTR
    guard collected == number else { return nil }
    ChildProcess.running.withLock { _ = $0.remove(number) }
    // The macros WIFSIGNALED, WTERMSIG and WEXITSTATUS, which Swift does not see.
    let signal = status & 0x7f
    let found: Ending = signal == 0 ? .exited(code: (status >> 8) & 0xff) : .signalled(number: signal)
    ending = found
    return found
  }

  /// The error's number, or 0.
  private static func spawn(
    _ number: inout pid_t, _ executable: String, _ arguments: [String], _ environment: [String], input: Int32
  ) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, input, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, 1, 2)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // What ends a job comes to all its processes, also to one that has not said yet that it ignores it.
    var blocked = ChildLimits.endingSignals
    posix_spawnattr_setsigmask(&attributes, &blocked)
    var all = sigset_t()
    sigfillset(&all)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    return withTexts(arguments) { arguments in
      withTexts(environment) { environment in
        posix_spawn(&number, executable, &actions, &attributes, arguments, environment)
      }
    }
  }

  /// Texts as C has them: an array of addresses that ends with a null.
  private static func withTexts<Result>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
  ) -> Result {
    let copies = texts.map { strdup($0) } + [nil]
    defer { for copy in copies { free(copy) } }
    return copies.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
