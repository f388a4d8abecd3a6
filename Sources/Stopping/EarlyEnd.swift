import Diagnosis
import FileAccess
import Foundation
import Isolation
import MessagePassing

/// Ends the process at once where a stop is asked for while there is nothing to save: while files are read, say, for
/// minutes or hours.
///
/// A thread of its own looks for the request, so that nobody waits for a read or a collective to end. Files that are
/// not finished are removed.
///
///     let watch = EarlyEnd(communicator, during: "files were read")
///     defer { watch.end() }
public final class EarlyEnd: Sendable {
  private let state: State

  /// Begins to look. `StopSignal.install` comes before. Collective.
  /// - Parameters:
  ///   - communicator: of all ranks that take part.
  ///   - work: completes "stopped by a signal while …".
  public init(_ communicator: any Communicator, during work: String) throws {
    let siblings = try RankProcess.others(of: communicator)
    let state = State(place: communicator.isRoot ? nil : communicator.place, siblings: siblings, work: work)
    self.state = state
    let thread = Thread { state.lookOn() }
    thread.name = "early end"
    thread.start()
  }

  deinit { state.end() }

  /// Looks no longer: from now on a request waits for whoever asks `StopSignal.isRequested`.
  public func end() { state.end() }

  /// What the thread and its owner share.
  private final class State: @unchecked Sendable {
    private let condition = NSCondition()
    private let place: String?
    private let siblings: [RankProcess]
    private let work: String
    private var hasEnded = false

    init(place: String?, siblings: [RankProcess], work: String) {
      self.place = place
      self.siblings = siblings
      self.work = work
    }

    func end() {
      condition.withLock {
        hasEnded = true
        condition.signal()
      }
    }

    func lookOn() {
      while true {
        let goesOn = condition.withLock {
          if !hasEnded { _ = condition.wait(until: Date(timeIntervalSinceNow: 0.05)) }
          // The lock keeps the owner from going on while the process ends.
          if !hasEnded, StopSignal.isRequested { endProcess() }
          return !hasEnded
        }
        guard goesOn else { return }
      }
    }

    private func endProcess() -> Never {
      // The launcher may kill this process while it waits; and until then its main thread goes on.
      UnfinishedFiles.deleteAll()
      if !somebodyElseSpeaks {
        MPIProgram.tell(
          Failure(
            .interrupted, "stopped by a signal while \(work); there was nothing to save",
            remedy: "run the same line again"), at: place)
      }
      UnfinishedFiles.deleteAll()
      ChildProcess.killAll()
      // No more is run of this process: its main thread may be anywhere, in MPI too.
      _exit(Failure.Kind.interrupted.rawValue)
    }

    /// Where a rank fails, the launcher ends the others by a signal too: the failing one has said why. And where all
    /// stop, rank 0 tells, which the others give the time to.
    private var somebodyElseSpeaks: Bool {
      if siblings.contains(where: \.hasEndedOrFails) { return true }
      // A launcher that finds one rank gone kills the others before they can tidy up.
      for sibling in siblings { sibling.stop() }
      let end = Date(timeIntervalSinceNow: place == nil ? 0 : 3)
      while true {
        if siblings.contains(where: \.hasEndedOrFails) { return true }
        guard Date() < end else { return false }
        Thread.sleep(forTimeInterval: 0.05)
      }
    }
  }
}
