#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Tells a crash of this process from a signal of another that looks like one: launchers pass SIGABRT, for example, on to
/// all processes of a job, which says nothing of the file that is being tried.
enum ForeignSignals {
  /// Lets the signals of a crash, where another process has sent them, end this one as SIGKILL would.
  static func endAsKilled() {
    for number in [SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS] {
      var action = sigaction()
      action.__sigaction_handler.sa_sigaction = { number, information, _ in
        // What the kernel sends itself has a code above 0 (sigaction(2), "The siginfo_t argument").
        if let information, information.pointee.si_code <= 0,
          information.pointee._sifields._kill.si_pid != getpid()
        {
          kill(getpid(), SIGKILL)
        }
        // The fault, or the signal that this process sends itself anew, ends it the system's way.
        signal(number, SIG_DFL)
        if let information, information.pointee.si_code <= 0 { kill(getpid(), number) }
      }
      action.sa_flags = SA_SIGINFO | Int32(bitPattern: UInt32(SA_RESETHAND))
      sigaction(number, &action, nil)
    }
  }
}
