import Diagnosis
import Foundation

/// Adds our own word, and our exit code, when MPI ends the process from within its start: Open MPI does that
/// where it does not speak srun's process-management interface, with a page about its own build options.
enum StartGuard {
  // Set and cleared by the one thread that starts MPI; read by the same one when it exits within.
  nonisolated(unsafe) private static var isStarting = false

  static func during(_ body: () throws -> Void) rethrows {
    isStarting = true
    defer { isStarting = false }
    atexit { StartGuard.tellIfStarting() }
    try body()
  }

  private static func tellIfStarting() {
    guard isStarting else { return }
    let environment = LaunchEnvironment.current
    let failure = environment.startFailure
    if environment.speaks { MPIProgram.tell(failure) }
    _exit(failure.kind.rawValue)
  }
}
