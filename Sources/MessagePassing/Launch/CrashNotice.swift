import Foundation

// check-layers: raw memory, because a handler of a crash may only write what has been laid out before.

/// Names the rank before the backtrace of a crash, which itself says only what happened: of a job of many ranks one wants
/// to know which, and on which node.
enum CrashNotice {
  nonisolated(unsafe) private static var text: UnsafeMutableBufferPointer<UInt8> = .init(start: nil, count: 0)
  /// What was to be done before, the runtime's backtrace for one; by the signals' numbers.
  nonisolated(unsafe) private static var before: UnsafeMutablePointer<sigaction>?

  private static let signals = [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT]

  /// - Parameter place: such as `rank 3 on node17`.
  static func install(place: String) {
    guard before == nil else { return }
    let line = Array("\ncrnn-dist: error: \(place): crashed; a backtrace of it may follow\n".utf8)
    text = .allocate(capacity: line.count)
    _ = text.initialize(from: line)
    before = .allocate(capacity: 65)
    for number in signals {
      var action = sigaction()
      action.__sigaction_handler.sa_sigaction = { number, information, _ in
        CrashNotice.tell(number, isFromProcess: (information?.pointee.si_code ?? 1) <= 0)
      }
      // On the stack that the runtime has for it: the thread's own may be full.
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER
      sigaction(number, &action, before! + Int(number))
    }
  }

  /// In the handler: nothing here takes memory or a lock.
  private static func tell(_ number: Int32, isFromProcess: Bool) {
    write(2, text.baseAddress, text.count)
    // Back to what was before: the fault comes again.
    sigaction(number, before! + Int(number), nil)
    guard isFromProcess else { return }
    // A signal that a process has sent does not: first for the backtrace, after which the runtime would go on.
    raise(number)
    signal(number, SIG_DFL)
    raise(number)
  }
}
