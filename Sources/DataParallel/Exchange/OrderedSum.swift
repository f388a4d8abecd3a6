import Diagnosis
import Kernels
import MessagePassing

// check-layers: raw memory, because ranks of a node look into one another's numbers.

/// Sums of a few numbers over all ranks, such as batch norm's, at the cost of a look into memory on one node and of one
/// message each way between nodes. Their order is fixed (`SummationTree`).
final class OrderedSum {
  private let communicator: any Communicator
  private let capacity: Int
  private let layout: NodeLayout
  private let node: Int
  private let place: Int
  private let memory: NodeMemory
  /// Sums that each rank has brought, and that were there for all.
  private let brought: SharedCounters
  private let there: SharedCounters
  private let queue: (any MessageQueue)?
  /// What this node tells others: of each of its blocks how to add it up.
  private let ownParts: [OrderedAddition]
  private let whole: OrderedAddition
  private let partsOfNode: [Int]
  /// Of all nodes' parts, one after the other; of one sum and the next, which a fast rank may begin before a slow one has
  /// read the last.
  private let parts: AlignedSums
  private var number = 0
  /// Called while this rank waits.
  var whileWaiting: () -> Void = {}

  /// Beyond so many nodes MPI's own tree is better than a message from each to each. Its order is MPI's.
  static let mostNodes = 16

  /// Collective. Nil where MPI does it better.
  static func make(_ communicator: any Communicator, capacity: Int) throws -> OrderedSum? {
    guard communicator.layout.nodes.count <= mostNodes else { return nil }
    var layout = communicator.layout
    let bytes = Self.bytes(capacity, ranks: layout.neighbours(of: communicator.rank).count)
    var memory = try communicator.makeNodeMemory(bytes: bytes)
    if memory == nil {
      guard communicator.size <= mostNodes else { return nil }
      layout = NodeLayout(size: communicator.size, ranksPerNode: 1)
      memory = NodeMemory.ofOneRank(bytes: Self.bytes(capacity, ranks: 1))
    }
    return try memory.map { try OrderedSum(communicator, layout, $0, capacity: capacity) }
  }

  private static func slot(_ capacity: Int) -> Int { NodeMemory.room(capacity * 8) }
  private static func bytes(_ capacity: Int, ranks: Int) -> Int {
    2 * (ranks + 1) * slot(capacity) + SharedCounters.bytes(ranks + 1)
  }

  private init(_ communicator: any Communicator, _ layout: NodeLayout, _ memory: NodeMemory, capacity: Int) throws
  {
    (self.communicator, self.layout, self.memory, self.capacity) = (communicator, layout, memory, capacity)
    node = layout.nodeOfRank[communicator.rank]
    let ranks = layout.neighbours(of: communicator.rank)
    place = ranks.firstIndex(of: communicator.rank)!
    let counters = memory.bytes.baseAddress! + 2 * (ranks.count + 1) * Self.slot(capacity)
    brought = SharedCounters(at: counters, count: ranks.count)
    there = SharedCounters(at: counters + SharedCounters.bytes(ranks.count), count: 1)
    let tree = SummationTree(layout)
    let blocks = layout.nodes.map { tree.blocks(of: $0) }
    partsOfNode = blocks.map(\.count)
    ownParts = blocks[node].map { OrderedAddition(tree.addition(of: $0, from: ranks.map(tree.block))) }
    whole = OrderedAddition(
      tree.addition(ofAllFrom: layout.nodes.count == 1 ? ranks.map(tree.block) : blocks.flatMap { $0 }))
    let several = layout.nodes.count > 1
    queue = several ? try communicator.makeMessageQueue() : nil
    parts = AlignedSums(count: several && place == 0 ? 2 * partsOfNode.reduce(0, +) * capacity : 0)
  }

  /// Of this node's ranks, or (last) of all ranks.
  private func slot(_ place: Int) -> UnsafeMutablePointer<Double> {
    let index = (number & 1) * (layout.nodes[node].count + 1) + place
    return (memory.bytes.baseAddress! + index * Self.slot(capacity)).assumingMemoryBound(to: Double.self)
  }

  /// Replaces the values by their sums over all ranks. Collective.
  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    var first = 0
    while first < values.count {
      let count = min(capacity, values.count - first)
      try sumPiece(UnsafeMutableBufferPointer(rebasing: values[first..<first + count]))
      first += count
    }
  }

  private func sumPiece(_ values: UnsafeMutableBufferPointer<Double>) throws {
    guard let start = values.baseAddress else { return }
    number += 1
    slot(place).update(from: start, count: values.count)
    brought.set(place, to: number)
    let ranks = layout.nodes[node].indices
    if let queue {
      if place == 0 {
        try wait { brought.have(ranks, reached: number) }
        try exchange(values.count, queue)
        there.set(0, to: number)
      } else {
        try wait { there.value(0) >= number }
      }
      start.update(from: slot(ranks.count), count: values.count)
    } else {
      try wait { brought.have(ranks, reached: number) }
      whole.sum(ranks.map { NumberRun(slot($0), .double) }, count: values.count, to: start)
    }
  }

  /// Sends the node's parts to all other nodes, and adds up everybody's.
  private func exchange(_ count: Int, _ queue: any MessageQueue) throws {
    let own = layout.nodes[node].indices.map { NumberRun(slot($0), .double) }
    var messages = 0
    var runs: [NumberRun] = []
    var next = parts.start + (number & 1) * partsOfNode.reduce(0, +) * capacity
    for (other, parts) in partsOfNode.enumerated() {
      let bytes = UnsafeMutableRawBufferPointer(start: next, count: parts * count * 8)
      for part in 0..<parts {
        if other == node { ownParts[part].sum(own, count: count, to: next) }
        runs.append(NumberRun(next, .double))
        next += count
      }
      guard other != node else { continue }
      try queue.receive(bytes, from: layout.speaker(of: other), tag: number & 1, number: 0)
      messages += 1
    }
    let ownStart = runs[partsOfNode[..<node].reduce(0, +)].start
    for other in partsOfNode.indices where other != node {
      try queue.send(
        UnsafeRawBufferPointer(start: ownStart, count: partsOfNode[node] * count * 8),
        to: layout.speaker(of: other),
        tag: number & 1, number: 0)
      messages += 1
    }
    try wait {
      messages -= try queue.poll().count
      return messages == 0
    }
    whole.sum(runs, count: count, to: slot(layout.nodes[node].count))
  }

  private func wait(_ condition: () throws -> Bool) throws {
    if try condition() { return }
    try communicator.waiting(in: "a sum over the ranks") {
      var backoff = Backoff()
      while try !condition() {
        whileWaiting()
        if backoff.count % 1_024 == 1_023 { try communicator.checkOthers() }
        backoff.pause()
      }
    }
  }
}
