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
      let kilobytes = buckets.ranges[number].count * 8 / 1_000
      add("bucket \(number): wait", .communication, from: bucket.ready, to: bucket.begun)
      add("bucket \(number): transfer, \(kilobytes) kB", .communication, from: bucket.begun, to: bucket.finished)
    }
    add("wait for the gradients' sum", from: times.waiting.from, to: times.waiting.to)
  }
}

/// What the ranks' events are as a file that Chrome (chrome://tracing), Perfetto and Speedscope show: the trace event
/// format, a process a rank with a row for what it does and one for what is on its way.
public struct ChromeTrace: Encodable {
  private struct Entry: Encodable {
    var name: String
    /// X: from `ts` on for `dur`; b and e: begin and end of one of several at a time; M: tells of a row.
    var ph: String
    var pid: Int
    var tid: Int
    var cat: String?
    /// Microseconds.
    var ts: Double?
    var dur: Double?
    var id: String?
    var args: [String: String]?
  }

  private let traceEvents: [Entry]
  private let displayTimeUnit = "ms"

  /// - Parameters:
  ///   - ranks: of each rank its events.
  ///   - hosts: of each rank the name of its node.
  public init(_ ranks: [[StepTimeline.Event]], hosts: [String]) {
    var entries: [Entry] = []
    for (rank, events) in ranks.enumerated() {
      let rows = ["process_name": (0, "rank \(rank) on \(hosts[rank])"), "thread_name": (1, "communication")]
      for (name, row) in rows.sorted(by: { $0.key < $1.key }) {
        entries.append(Entry(name: name, ph: "M", pid: rank, tid: row.0, args: ["name": row.1]))
      }
      entries.append(Entry(name: "thread_name", ph: "M", pid: rank, tid: 0, args: ["name": "computation"]))
      for (number, event) in events.enumerated() {
        let (start, end) = (event.start * 1e6, event.end * 1e6)
        switch event.row {
        case .rank:
          entries.append(Entry(name: event.name, ph: "X", pid: rank, tid: 0, ts: start, dur: max(0, end - start)))
        case .communication:
          // Buckets overlap.
          for (phase, time) in [("b", start), ("e", end)] {
            entries.append(
              Entry(
                name: event.name, ph: phase, pid: rank, tid: 1, cat: "bucket", ts: time, id: "\(rank).\(number)"))
          }
        }
      }
    }
    traceEvents = entries
  }
}
