import Foundation
import MessagePassing

/// Whether somebody watches standard error, and how wide his window is.
///
/// Under `mpirun` standard error is a pipe to the launcher, which passes on what comes. So rank 0 looks where the
/// launcher's own leads: both are on one machine, as a launcher's first rank mostly is.
public struct LiveTerminal: Sendable {
  /// Columns of the terminal.
  public let columns: Int

  private static let usualColumns = 80

  /// Nil where nobody watches.
  /// - Parameter wanted: what the user says, if anything.
  public static func standardError(wanted: Bool? = nil) -> LiveTerminal? {
    if wanted == false { return nil }
    if isatty(STDERR_FILENO) == 1 { return LiveTerminal(columns: columns(of: STDERR_FILENO)) }
    if let found = ofLauncher() { return found }
    return wanted == true ? LiveTerminal(columns: usualColumns) : nil
  }

  private static func ofLauncher() -> LiveTerminal? {
    guard LaunchEnvironment.current.launcher?.name == "mpirun" else { return nil }
    let parent = getppid()
    let names = ["mpirun", "prterun", "orterun", "mpiexec"]
    guard
      let name = try? String(contentsOfFile: "/proc/\(parent)/comm", encoding: .utf8).trimmingCharacters(
        in: .whitespacesAndNewlines), names.contains(name)
    else { return nil }
    // A pipe that nobody reads from must not be waited for.
    let descriptor = open("/proc/\(parent)/fd/2", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    return isatty(descriptor) == 1 ? LiveTerminal(columns: columns(of: descriptor)) : nil
  }

  private static func columns(of descriptor: Int32) -> Int {
    var size = winsize()
    guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return usualColumns }
    return Int(size.ws_col)
  }
}
