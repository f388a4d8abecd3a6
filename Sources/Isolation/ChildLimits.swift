import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// check-layers: raw memory, because the system's calls for limits take addresses.

/// What a child process does to itself at its start, and before each piece of work.
public enum ChildLimits {
  /// Puts this process, a child, under its limits.
  ///
  /// - Parameter memory: bytes of address space beside those that it has now; taking more fails. Nil for no limit.
  public static func enter(memory: Int?) {
    closeInheritedDescriptors()
    // What ends a job goes to all its processes; the parent decides, and this one ends with its channel.
    for number in endingNumbers + [SIGPIPE] { signal(number, SIG_IGN) }
    var blocked = endingSignals
    sigprocmask(SIG_UNBLOCK, &blocked, nil)
    ForeignSignals.endAsKilled()
    endWithParent()
    _ = ownAddressSpace
    if let memory { allow(memory: memory) }
    var core = rlimit(rlim_cur: 0, rlim_max: 0)
    setrlimit(__rlimit_resource_t(RLIMIT_CORE.rawValue), &core)
  }

  private static let endingNumbers = [SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2]

  /// The channel tells this process of its parent's end; but a library that never comes back does not look there.
  private static func endWithParent() {
    let parent = getppid()
    Thread {
      while getppid() == parent { Thread.sleep(forTimeInterval: 1) }
      _exit(0)
    }.start()
  }

  /// What ends a job: blocked in a child from its first moment until `enter` has it ignored.
  static var endingSignals: sigset_t {
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in endingNumbers { sigaddset(&signals, number) }
    return signals
  }

  /// What this process has at its start: libraries, and stacks of threads, each of which reserves as much as `ulimit -s`
  /// says, gigabytes on some clusters.
  private static let ownAddressSpace = addressSpace ?? 0

  /// Gives this process so many bytes of address space beside those that it had at its start; taking more fails.
  public static func allow(memory: Int) {
    var space = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space)
    // A batch system's own limit may be lower.
    space.rlim_cur = min(rlim_t(ownAddressSpace + memory), space.rlim_max)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &space)
  }

  /// Gives this process so much processor time from now on; more ends it with `outOfTime`.
  ///
  /// Time in which it waits for a disk or a network does not count.
  public static func allow(processorSeconds: Int) {
    var time = itimerval()
    time.it_value.tv_sec = processorSeconds
    setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &time, nil)
  }

  /// The signal that ends a process whose processor time is up.
  public static let outOfTime: Int32 = SIGPROF
  /// The signal that no process sends to itself: the system's, where a job's memory is used up.
  public static let killed: Int32 = SIGKILL

  /// Bytes of address space that this process has taken; nil where the system does not tell.
  public static var addressSpace: Int? {
    guard let file = fopen("/proc/self/statm", "r") else { return nil }
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    guard fgets(&line, Int32(line.count), file) != nil else { return nil }
    let digits = line.prefix { $0 >= 48 && $0 <= 57 }.map { UInt8(bitPattern: $0) }
    return Int(String(decoding: digits, as: UTF8.self)).map { $0 * sysconf(Int32(_SC_PAGESIZE)) }
  }

  /// The parent's files, sockets and pipes that were not closed on their own: held open here, they would keep
  /// others from noticing the parent's end.
  private static func closeInheritedDescriptors() {
    guard let folder = opendir("/proc/self/fd") else { return }
    var numbers: [Int32] = []
    while let entry = readdir(folder) {
      let nameOffset = MemoryLayout<dirent>.offset(of: \dirent.d_name)!
      let name = (UnsafeRawPointer(entry) + nameOffset).assumingMemoryBound(to: CChar.self)
      if let number = Int32(String(cString: name)), number > 2, number != dirfd(folder) { numbers.append(number) }
    }
    closedir(folder)
    for number in numbers { close(number) }
  }
}
