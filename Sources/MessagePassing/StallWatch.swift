import Foundation

/// Tells when a rank waits suspiciously long in a collective for others that do not come.
///
/// A thread of its own looks on; it never calls MPI. Each rank has a watch and speaks for itself: of a stuck job
/// all ranks but the late ones say which collective they wait in.
public final class StallWatch: Sendable {
  private let state: StallState

  /// The environment variable that changes the patience, in seconds; 0 turns the watch off.
  public static let environmentVariable = "CRNN_DIST_STALL_SECONDS"

  /// - Parameters:
  ///   - place: who speaks, such as `rank 3 on node17`.
  ///   - seconds: patience before the first word; nil: the environment's, else 60. The second word comes after
  ///     twice that, and so on. 0 or less: never a word.
  ///   - report: takes the lines; by default they go to standard error.
  public init(
    place: String, seconds: Double? = nil, report: @escaping @Sendable (String) -> Void = toStandardError
  ) {
    let patience = seconds ?? Self.patience(of: ProcessInfo.processInfo.environment)
    state = StallState(place: place, patience: patience, report: report)
    guard patience > 0 else { return }
    // The thread holds the state, not the watch: when the watch goes, the thread ends.
    let state = self.state
    let thread = Thread { state.lookOn() }
    thread.name = "stall watch"
    thread.start()
  }

  deinit { state.stop() }

  /// Runs a collective, in which the rank may have to wait for others.
  public func waiting<Value>(in what: String, _ body: () throws -> Value) rethrows -> Value {
    state.enter(what)
    defer { state.leave() }
    return try body()
  }

  static func patience(of environment: [String: String]) -> Double {
    environment[environmentVariable].flatMap { Double($0) }.flatMap { $0.isFinite ? $0 : nil } ?? 60
  }

  /// Writes a line to standard error, whole.
  public static let toStandardError: @Sendable (String) -> Void = { line in
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}

/// What the watching thread and the watched one share.
private final class StallState: @unchecked Sendable {
  private struct Activity {
    let what: String
    let since: Date
    var nextWord: Date
  }

  private let condition = NSCondition()
  private let place: String
  private let patience: Double
  private let report: @Sendable (String) -> Void
  private var activities: [Activity] = []
  private var ended = false

  init(place: String, patience: Double, report: @escaping @Sendable (String) -> Void) {
    self.place = place
    self.patience = patience
    self.report = report
  }

  func enter(_ what: String) {
    guard patience > 0 else { return }
    let now = Date()
    condition.withLock {
      activities.append(
        Activity(what: what, since: now, nextWord: now.addingTimeInterval(patience)))
    }
  }

  func leave() {
    guard patience > 0 else { return }
    condition.withLock { _ = activities.popLast() }
  }

  func stop() {
    condition.withLock {
      ended = true
      condition.signal()
    }
  }

  func lookOn() {
    while let words = nextWords() {
      for line in words { report(line) }
    }
  }

  /// Sleeps a while, then says what has become overdue; nil when the watch is over. Entering wakes nobody, since
  /// that happens often: looking four times in a patience is soon enough.
  private func nextWords() -> [String]? {
    condition.withLock {
      if !ended { _ = condition.wait(until: Date(timeIntervalSinceNow: patience / 4)) }
      guard !ended else { return nil }
      let now = Date()
      // The innermost activity says most; those around it are late because of it.
      guard var innermost = activities.last, innermost.nextWord <= now else { return [] }
      let waited = now.timeIntervalSince(innermost.since)
      innermost.nextWord = innermost.since.addingTimeInterval(2 * waited)
      activities[activities.count - 1] = innermost
      return [words(innermost, seconds: Int(waited.rounded()))]
    }
  }

  private func words(_ activity: Activity, seconds: Int) -> String {
    "crnn-dist: warning: \(place) has waited \(seconds) s in \(activity.what); the ranks that do not say so are the ones "
      + "waited for"
  }
}
