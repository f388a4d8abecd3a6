import Foundation
import Synchronization

// check-layers: raw memory, because the system tells that a signal is ignored by an address that is no function's.

/// Requests to stop, as launchers and batch systems send them: SIGTERM, SIGUSR1, SIGINT, SIGQUIT, and SIGHUP of a
/// terminal that goes away.
///
/// The handler sets a flag and nothing else; the loop asks for it where a step ends, so that all ranks stop after
/// the same step with a checkpoint of it.
public enum StopSignal {
  private static let received = Atomic<Int32>(0)

  /// Installs the handlers. A second SIGINT ends the process the system's way, for the impatient.
  ///
  /// A shell that starts a job in the background, or `nohup`, has signals of the terminal ignored: they stay so.
  public static func install() {
    // Whoever reads our words may leave (`train … | head`); the run goes on.
    signal(SIGPIPE, SIG_IGN)
    // The first use of a static is not safe in a handler.
    received.store(0, ordering: .relaxed)
    for number in [SIGTERM, SIGUSR1, SIGINT, SIGHUP, SIGQUIT] where !isIgnoredTerminalSignal(number) {
      var action = sigaction()
      action.__sigaction_handler.sa_handler = { StopSignal.note($0) }
      action.sa_flags =
        number == SIGINT ? Int32(bitPattern: UInt32(SA_RESTART) | UInt32(SA_RESETHAND)) : SA_RESTART
      sigaction(number, &action, nil)
    }
  }

  /// Whether this process has been asked to stop.
  public static var isRequested: Bool { received.load(ordering: .relaxed) != 0 }

  private static func note(_ number: Int32) { received.store(number, ordering: .relaxed) }

  private static func isIgnoredTerminalSignal(_ number: Int32) -> Bool {
    guard [SIGINT, SIGHUP, SIGQUIT].contains(number) else { return false }
    var action = sigaction()
    guard sigaction(number, nil, &action) == 0 else { return false }
    // Functions cannot be compared in Swift; the address of SIG_IGN is 1.
    return unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self) == 1
  }
}
