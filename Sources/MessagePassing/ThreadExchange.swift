import Diagnosis
import Foundation

/// Exchanges bytes between the threads of an in-process group: each brings its own, all leave with everybody's.
final class ThreadExchange: @unchecked Sendable {
  let size: Int
  let mailboxes = ThreadMailboxes()

  // All of the following are touched under the condition's lock only.
  private let condition = NSCondition()
  private var arrivals: [(call: String, bytes: [UInt8])?]
  private var gathered: [[UInt8]] = []
  private var round = 0
  private var gone: Set<Int> = []
  private var broken: Failure?
  private var released: Set<Int> = []
  private var memories: [[Int]: NodeMemory] = [:]

  init(size: Int) {
    self.size = size
    arrivals = Array(repeating: nil, count: size)
  }

  /// Waits for all ranks to bring their bytes to the same call. Throws on every rank when they bring them to
  /// different ones, or when a rank will never come.
  func exchange(_ rank: Int, _ call: String, _ bytes: [UInt8]) throws -> [[UInt8]] {
    try condition.withLock {
      arrivals[rank] = (call, bytes)
      if let missing = gone.min() { breakUp(missingRank: missing) }
      if broken == nil, !arrivals.contains(where: { $0 == nil }) { finishRound() }
      let own = round
      while arrivals[rank] != nil, broken == nil, round == own { condition.wait() }
      if arrivals[rank] != nil, let broken {
        released.insert(rank)
        throw broken
      }
      return gathered
    }
  }

  /// A rank's body has ended: whoever waits for it, now or later, waits in vain.
  func leave(_ rank: Int) {
    condition.withLock {
      gone.insert(rank)
      if arrivals.contains(where: { $0 != nil }) { breakUp(missingRank: rank) }
    }
  }

  /// A node's memory with this number: the first rank that asks makes it.
  func nodeMemory(node: Int, number: Int, bytes: Int) -> NodeMemory {
    condition.withLock {
      if let memory = memories[[node, number]] { return memory }
      let memory = NodeMemory.ofOneRank(bytes: bytes)
      memories[[node, number]] = memory
      return memory
    }
  }

  /// For a rank that waits for others in vain.
  func checkNobodyHasLeft(_ rank: Int) throws {
    try condition.withLock {
      guard let missing = gone.min() else { return }
      released.insert(rank)
      throw broken ?? Failure(.fault, "rank \(missing) has ended while rank \(rank) waits")
    }
  }

  /// Whether the rank was given another's failure.
  func wasReleased(_ rank: Int) -> Bool {
    condition.withLock { released.contains(rank) }
  }

  private func finishRound() {
    let present = arrivals.compactMap { $0 }
    if let other = present.firstIndex(where: { $0.call != present[0].call }) {
      broken = Failure(
        .fault,
        "ranks call different collectives: rank 0 \(present[0].call), rank \(other) \(present[other].call)")
    } else {
      gathered = present.map(\.bytes)
      arrivals = Array(repeating: nil, count: size)
      round += 1
    }
    condition.broadcast()
  }

  private func breakUp(missingRank: Int) {
    if broken == nil {
      let waiting = arrivals.enumerated().compactMap { rank, arrival in arrival.map { (rank, $0.call) } }
      let words = waiting.first.map { "rank \($0.0) waits in \($0.1)" } ?? "others wait"
      broken = Failure(.fault, "rank \(missingRank) has ended while \(words)")
    }
    condition.broadcast()
  }
}
