import Diagnosis
import MachineMemory
import MessagePassing

/// What all ranks need, held against the limits of their processes, control groups and nodes.
package struct MemoryNeeds {
  /// A rank's need, and what limits it.
  package struct Rank: Codable {
    let number: Int
    let hostName: String
    let plan: MemoryPlan
    let limits: [MemoryLimit]

    package init(number: Int, hostName: String, plan: MemoryPlan, limits: [MemoryLimit]) {
      self.number = number
      self.hostName = hostName
      self.plan = plan
      self.limits = limits
    }
  }

  let ranks: [Rank]

  package init(ranks: [Rank]) { self.ranks = ranks }

  /// A limit, the ranks that share it, and what they need together.
  private struct Load {
    var limit: MemoryLimit
    /// Their places in `ranks`.
    var sharers: [Int]
    var needed: Int

    var excess: Int { needed - limit.freeBytes }

    mutating func add(_ rank: Int, _ limit: MemoryLimit, needing bytes: Int) {
      // Not all have looked at the same moment.
      self.limit.freeBytes = min(self.limit.freeBytes, limit.freeBytes)
      sharers.append(rank)
      let (together, overflows) = needed.addingReportingOverflow(bytes)
      needed = overflows ? .max : together
    }
  }

  /// What tells a limit from those of other nodes.
  private struct SharedLimit: Hashable {
    let hostName: String
    let name: String
  }

  private var loads: [Load] {
    var loads: [Load] = []
    var places: [SharedLimit: Int] = [:]
    for (index, rank) in ranks.enumerated() {
      let need = rank.plan.total
      for limit in rank.limits {
        guard let name = limit.sharedAs else {
          loads.append(Load(limit: limit, sharers: [index], needed: need.addressSpace))
          continue
        }
        let shared = SharedLimit(hostName: rank.hostName, name: name)
        if let place = places[shared] {
          loads[place].add(index, limit, needing: need.bytes)
        } else {
          places[shared] = loads.count
          loads.append(Load(limit: limit, sharers: [index], needed: need.bytes))
        }
      }
    }
    return loads
  }

  /// The refusal by the limit that is exceeded most; nil where everything fits. The same on all ranks.
  package var refusal: Failure? {
    loads.filter { $0.excess > 0 }.max { $0.excess < $1.excess }.map(failure)
  }

  private func failure(_ load: Load) -> Failure {
    let (limit, sharers) = (load.limit, load.sharers)
    let largest = ranks[sharers.max { ranks[$0].plan.total.bytes < ranks[$1].plan.total.bytes } ?? 0]
    let isOwn = limit.sharedAs == nil
    let parts = largest.plan.partsInWords(isOwn ? \.addressSpace : \.bytes)
    let (host, kind) = (largest.hostName, isOwn ? " of address space" : "")
    let who =
      sharers.count == 1
      ? "rank \(largest.number) on \(host) needs \(inBinaryUnits(load.needed))\(kind) more (\(parts))"
      : "\(sharers.count) ranks on \(host) need \(inBinaryUnits(load.needed)) more together "
        + "(rank \(largest.number): \(parts))"
    return Failure(
      .usage,
      "\(who), but \(inBinaryUnits(limit.freeBytes)) are free of the \(limit.bytes) bytes that \(limit.name) allows",
      remedy: remedy(largest.plan)
    ).knownToAllRanks
  }

  /// What there is to do about the parts of a plan.
  private func remedy(_ plan: MemoryPlan) -> String {
    var ways: [String] = []
    if plan.has(.batches) { ways.append("use a smaller --batch-size") }
    if plan.has(.songs) { ways.append("leave songs on the disk with --memory") }
    if ranks.count > 1 { ways.append("use more nodes, or fewer ranks on each") }
    return (ways + ["raise the limit"]).joined(separator: "; or ")
  }
}

extension Communicator {
  /// Refuses what would not fit, before it is taken. Collective: the ranks of a node share its memory, and mostly a
  /// control group too.
  /// - Throws: `usage`, the same on all ranks, naming the limit and what is needed.
  func hold(_ plan: MemoryPlan) throws {
    // A rank that already took its memory would count twice: all look before any goes on.
    let own = MemoryNeeds.Rank(number: rank, hostName: hostName, plan: plan, limits: MemoryLimit.all())
    if let refusal = MemoryNeeds(ranks: try allgather(own)).refusal { throw refusal }
  }
}

extension MemoryPlan {
  /// Refuses what would not fit in this process: for a rank that takes more when the others have theirs.
  /// - Throws: `usage`, naming the limit and what is needed.
  func hold(by communicator: any Communicator) throws {
    let own = MemoryNeeds.Rank(
      number: communicator.rank, hostName: communicator.hostName, plan: self, limits: MemoryLimit.all())
    if var refusal = MemoryNeeds(ranks: [own]).refusal {
      refusal.isAgreed = false
      throw refusal
    }
  }
}
