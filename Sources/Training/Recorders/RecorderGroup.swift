import Diagnosis

/// A run's recorders as one. None of them ends the run in its middle: what a full disk does not take a recorder keeps
/// and tries again, and a warning says so. At the start and at the end a failure counts.
final class RecorderGroup {
  private let recorders: [any RunRecorder]
  /// The recorders that cannot write now, by their places.
  private var failures: [Int: Failure] = [:]

  init(_ recorders: [any RunRecorder]) { self.recorders = recorders }

  /// Tells all recorders, also after one has failed.
  func record(_ event: RunEvent) {
    var words: [RunEvent] = []
    for (place, recorder) in recorders.enumerated() {
      do {
        try recorder.record(event)
        if let failure = failures.removeValue(forKey: place) {
          words.append(.note("written again, with nothing left out, after: \(failure.message)"))
        }
      } catch {
        let failure = Failure(wrapping: error, while: "recording the run")
        if failures.updateValue(failure, forKey: place) == nil {
          words.append(.warning("\(failure.message); it is kept and tried again"))
        }
      }
    }
    for word in words { record(word) }
  }

  /// Throws where a recorder cannot write.
  func check() throws {
    if let failure = failures.min(by: { $0.key < $1.key })?.value { throw failure }
  }
}
