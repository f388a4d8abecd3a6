import CMPI
import Diagnosis
import Foundation

/// The life of a program under MPI: start, do, end with an exit code that the launcher passes on.
public enum MPIProgram {
  /// Runs the body with MPI's world and ends the process.
  ///
  /// - A body that returns ends with 0, or with 74 where what it printed could not be written.
  /// - A failure that all ranks know of (`Failure.isAgreed`; any, where the rank is alone) is told once, by
  ///   rank 0; all ranks finalize MPI and end with the failure's code.
  /// - A failure of this rank alone is told with rank and host, and the whole job is aborted with its code, so
  ///   that nobody waits for this rank.
  ///
  /// Call it on the main thread, after the command line has been read.
  public static func run(_ body: (MPICommunicator) throws -> Void) -> Never {
    let communicator: MPICommunicator
    do {
      communicator = try MPICommunicator.start()
    } catch {
      // Every process that cannot join finds the same; the first one's word is enough.
      let failure = Failure(wrapping: error, while: "starting MPI")
      if LaunchEnvironment.current.speaks { tell(failure) }
      MPICommunicator.finishRunning()
      exit(failure.kind.rawValue)
    }
    CrashNotice.install(place: communicator.place)
    do {
      try body(communicator)
      try checkStandardOutput()
      communicator.finish()
      exit(0)
    } catch {
      end(with: Failure(wrapping: error, while: "an unexpected error"), communicator)
    }
  }

  /// What was printed may still wait to be written, and printing itself tells nobody that it failed.
  /// - Throws: `unwritable` where standard output did not take all of it. Whoever has closed it wanted no more.
  private static func checkStandardOutput() throws {
    let problem = crnn_flush_standard_output()
    guard problem != 0, problem != EPIPE else { return }
    let words = problem > 0 ? String(cString: strerror(problem)) : "an earlier write failed"
    throw Failure(
      .unwritable, "standard output cannot be written: \(words)",
      remedy: "what was told is not complete; make room, then run the same line again")
  }

  private static func end(with failure: Failure, _ communicator: MPICommunicator) -> Never {
    if failure.isAgreed || communicator.size == 1 {
      if communicator.isRoot { tell(failure) }
      communicator.finish()
      exit(failure.kind.rawValue)
    }
    tell(failure, at: communicator.place)
    RankProcess.announceFailure()
    communicator.abort(exitCode: failure.kind.rawValue)
  }

  /// Prints `crnn-dist: error: …` as one line on standard error. A stop by a signal is no error.
  public static func tell(_ failure: Failure, at place: String? = nil) {
    let label = failure.kind == .interrupted ? "" : "error: "
    let line = "crnn-dist: \(label)\(place.map { "\($0): " } ?? "")\(failure)"
    let flat = line.split(whereSeparator: \.isNewline).joined(separator: " ")
    FileHandle.standardError.write(Data((flat.withVisibleControls + "\n").utf8))
  }
}
