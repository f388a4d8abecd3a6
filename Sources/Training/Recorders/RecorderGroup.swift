import Diagnosis

/// A run's recorders as one. None of them ends the run in the middle of a step, where other ranks would wait for this
/// one: the first failure is kept until all ranks can end together.
final class RecorderGroup {
  private let recorders: [any RunRecorder]
  private var failure: Failure?

  init(_ recorders: [any RunRecorder]) { self.recorders = recorders }

  /// Tells all recorders, also after one has failed.
  func record(_ event: RunEvent) {
    for recorder in recorders {
      do {
        try recorder.record(event)
      } catch {
        failure = failure ?? Failure(wrapping: error, while: "recording the run")
      }
    }
  }

  /// Throws the first failure of a recorder so far, if there was one.
  func check() throws {
    if let failure { throw failure }
  }
}
