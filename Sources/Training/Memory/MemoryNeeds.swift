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

  /// A limit that is exceeded, and the ranks that exceed it.
  private struct Excess {
    let limit: MemoryLimit
    /// Their places in `ranks`.
    let sharers: [Int]
    let needed: Int

    var bytes: Int { needed - limit.freeBytes }
  }

  /// The refusal by the limit that is exceeded most; nil where everything fits. The same on all ranks.
  package var refusal: Failure? {
    let excesses = ranks.indices.flatMap { rank in ranks[rank].limits.compactMap { excess(of: $0, rank) } }
    return excesses.max { $0.bytes < $1.bytes }.map(failure)
  }

  /// Nil where the ranks that share a limit keep it.
  private func excess(of limit: MemoryLimit, _ rank: Int) -> Excess? {
    var (limit, sharers, needed) = (limit, [rank], ranks[rank].plan.total.addressSpace)
    if let shared = limit.sharedAs {
      let all = ranks.indices.flatMap { other in
        ranks[other].limits.filter { $0.sharedAs == shared && ranks[other].hostName == ranks[rank].hostName }
          .map { (rank: other, limit: $0) }
      }
      sharers = all.map(\.rank)
      // Not all have looked at the same moment.
      limit.freeBytes = all.map(\.limit.freeBytes).min() ?? limit.freeBytes
      needed = sharers.reduce(0) { sum, sharer in
        let (together, overflows) = sum.addingReportingOverflow(ranks[sharer].plan.total.bytes)
        return overflows ? .max : together
      }
    }
    return needed > limit.freeBytes ? Excess(limit: limit, sharers: sharers, needed: needed) : nil
  }

  private func failure(_ excess: Excess) -> Failure {
    let (limit, sharers) = (excess.limit, excess.sharers)
    let largest = ranks[sharers.max { ranks[$0].plan.total.bytes < ranks[$1].plan.total.bytes } ?? 0]
    let (host, parts) = (
      largest.hostName, largest.plan.partsInWords(limit.sharedAs == nil ? \.addressSpace : \.bytes)
    )
    let kind = limit.sharedAs == nil ? " of address space" : ""
    let who =
      sharers.count == 1
      ? "rank \(largest.number) on \(host) needs \(inBinaryUnits(excess.needed))\(kind) more (\(parts))"
      : "\(sharers.count) ranks on \(host) need \(inBinaryUnits(excess.needed)) more together "
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
