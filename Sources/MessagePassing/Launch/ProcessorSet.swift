import Foundation

/// The processors this process may run on, as the launcher bound it (sched_setaffinity(2)).
public struct ProcessorSet: Sendable, Equatable, Codable {
  /// One bit a processor, lowest first.
  public private(set) var words: [UInt64]

  public init(_ processors: some Sequence<Int>) {
    words = []
    for processor in processors where processor >= 0 {
      let word = processor / 64
      if word >= words.count { words += Array(repeating: 0, count: word + 1 - words.count) }
      words[word] |= 1 << UInt64(processor % 64)
    }
  }

  /// This process's own set, from `Cpus_allowed_list` (proc(5)): what the launcher, taskset or a cgroup left.
  /// Where there is no such file, as many processors as the system says are active.
  public static var current: ProcessorSet {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    if let list = line?.split(separator: ":").last, let found = ProcessorSet(list: String(list)) { return found }
    return ProcessorSet(0..<ProcessInfo.processInfo.activeProcessorCount)
  }

  /// From the kernel's notation, `0-3,8,10-11`. Nil when it is not that, or empty.
  public init?(list: String) {
    var processors: [Int] = []
    for part in list.split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0.trimmingCharacters(in: .whitespaces)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1],
        first >= 0, first <= last, last < 1 << 20
      else { return nil }
      processors += first...last
    }
    guard !processors.isEmpty else { return nil }
    self.init(processors)
  }

  public var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  /// The processors of both.
  public func union(_ other: ProcessorSet) -> ProcessorSet {
    let (longer, shorter) = words.count >= other.words.count ? (self, other) : (other, self)
    var union = longer
    for index in shorter.words.indices { union.words[index] |= shorter.words[index] }
    return union
  }

  public func contains(_ processor: Int) -> Bool {
    processor / 64 < words.count && words[processor / 64] >> UInt64(processor % 64) & 1 == 1
  }

  /// How many threads this process should run: each of its processors counts as one over the number of
  /// processes that may run there, so that processes bound apart keep all they were given, and processes that
  /// share a set share it evenly. Rounded down, never below 1.
  ///
  /// - Parameter node: the sets of all processes on the node, this one's among them.
  public func fairThreads(among node: [ProcessorSet]) -> Int {
    var share = 0.0
    for processor in 0..<words.count * 64 where contains(processor) {
      share += 1 / Double(max(1, node.count { $0.contains(processor) }))
    }
    // Thirds do not add up to whole numbers exactly.
    return max(1, Int(share + 1e-6))
  }
}
