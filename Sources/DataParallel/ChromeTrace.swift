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
      for (tid, kind, name) in [
        (0, "process_name", "rank \(rank) on \(hosts[rank])"), (0, "thread_name", "computation"),
        (1, "thread_name", "communication"),
      ] {
        entries.append(Entry(name: kind, ph: "M", pid: rank, tid: tid, args: ["name": name]))
      }
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
