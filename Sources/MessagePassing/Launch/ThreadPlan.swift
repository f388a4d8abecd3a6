import Foundation

/// How many threads a rank should run, and what to say when the launcher's binding wastes the node.
///
/// Without such a plan every process takes all cores, or all threads of one share a core: both are common, and
/// cost a factor.
public struct ThreadPlan: Sendable, Equatable {
  /// This rank's fair share; at least 1.
  public let threads: Int
  /// A sentence for the user about processors that no rank may use, with the remedy; nil when there are none.
  public let advice: String?

  /// - Parameters:
  ///   - own: the processors this rank may run on.
  ///   - node: those of all ranks of the node, this one's among them.
  ///   - limits: what the node has for the job.
  ///   - hostName: the node's, for the advice.
  public init(own: ProcessorSet, node: [ProcessorSet], limits: NodeLimits, hostName: String) {
    let ranks = max(1, node.count)
    let fair = own.fairThreads(among: node)
    // A quota of processor time (a container's) counts like that many processors.
    let paid = limits.quota.map { max(1, Int($0 / Double(ranks) + 0.5)) } ?? fair
    threads = min(fair, paid)

    let used = node.reduce(own) { $0.union($1) }.count
    let available = limits.quota.map { min(limits.processors, Int($0.rounded(.up))) } ?? limits.processors
    if used < available {
      let each = max(1, available / ranks)
      advice =
        "the launcher binds the \(ranks) rank(s) on \(hostName) to \(used) of \(available) processors, the others "
        + "stay idle: try mpirun --bind-to none, or --map-by slot:PE=\(each); srun: --cpus-per-task=\(each)"
    } else {
      advice = nil
    }
  }
}

/// What a node has for the job: processors, and perhaps a quota of their time.
public struct NodeLimits: Sendable, Equatable {
  public let processors: Int
  /// Processors' worth of time that the cgroup allows (`cpu.max`), nil for no limit.
  public let quota: Double?

  public init(processors: Int, quota: Double?) {
    self.processors = processors
    self.quota = quota
  }

  /// From the batch system's variables and the kernel's files, where they say something.
  public static var current: NodeLimits {
    func text(_ path: String) -> String? { try? String(contentsOfFile: path, encoding: .utf8) }
    let sets = ["/sys/devices/system/cpu/online", "/sys/fs/cgroup/cpuset.cpus.effective"]
      .compactMap { text($0).flatMap { ProcessorSet(list: $0) }?.count }
    let allotted = ProcessInfo.processInfo.environment["SLURM_CPUS_ON_NODE"].flatMap { Int($0) }
    let processors = (sets + [allotted].compactMap { $0 }).filter { $0 > 0 }.min()
    return NodeLimits(
      processors: processors ?? ProcessInfo.processInfo.activeProcessorCount,
      quota: text("/sys/fs/cgroup/cpu.max").flatMap(quota(ofCgroup:)))
  }

  /// `cpu.max` holds microseconds of processor time and of the period, or `max` for no limit.
  static func quota(ofCgroup text: String) -> Double? {
    let parts = text.split(whereSeparator: \.isWhitespace).map { Double($0) }
    guard parts.count == 2, let time = parts[0], let period = parts[1], time > 0, period > 0 else { return nil }
    return time / period
  }
}

extension Communicator {
  /// This rank's plan, from what the launcher gave the ranks of its node. Collective; may differ between ranks.
  public func threadPlan() throws -> ThreadPlan {
    let own = ProcessorSet.current
    let all = try allgather(NodeProcessors(hostName: hostName, processors: own))
    let node = all.filter { $0.hostName == hostName }.map(\.processors)
    return ThreadPlan(own: own, node: node, limits: .current, hostName: hostName)
  }

  /// How many threads this rank should run. Collective; may differ between ranks.
  public func fairThreadCount() throws -> Int { try threadPlan().threads }
}

/// What a rank tells the others of where it runs.
private struct NodeProcessors: Codable {
  let hostName: String
  let processors: ProcessorSet
}
