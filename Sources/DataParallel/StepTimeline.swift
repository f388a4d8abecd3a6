import Kernels

/// What one rank does in a stretch of steps, and when: `--timeline`.
///
/// Times are those of the rank's own clock since `begin`, which all ranks call together.
public final class StepTimeline {
  /// Where an event is shown.
  public enum Row: String, Sendable, Codable {
    /// What the rank computes, reads, and waits for.
    case rank
    /// Gradients on their way.
    case communication
  }

  public struct Event: Sendable, Codable, Equatable {
    public let name: String
    public let row: Row
    /// Seconds.
    public let start: Double
    public let end: Double
  }

  public private(set) var events: [Event] = []
  private var origin = StepProfile.now()

  public init() {}

  /// Starts the clock.
  public func begin() { origin = StepProfile.now() }

  /// Notes what lasted from one reading of `StepProfile.now` to another.
  func add(_ name: String, _ row: Row = .rank, from start: Double, to end: Double) {
    events.append(Event(name: name, row: row, start: start - origin, end: end - origin))
  }

  /// Runs and notes something.
  public func measure<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
    let start = StepProfile.now()
    defer { add(name, from: start, to: StepProfile.now()) }
    return try body()
  }

  /// Notes what became of a step's gradients.
  func add(_ times: ExchangeTimes, _ buckets: GradientBuckets) {
    for (number, bucket) in times.buckets.enumerated() {
      let values = buckets.ranges[number].count
      add("bucket \(number): wait", .communication, from: bucket.ready, to: bucket.begun)
      add(
        "bucket \(number): transfer of \(values) values", .communication, from: bucket.begun, to: bucket.finished)
    }
    add("wait for the gradients' sum", from: times.waiting.from, to: times.waiting.to)
  }
}
