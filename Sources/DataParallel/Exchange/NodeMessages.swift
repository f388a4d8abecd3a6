import Kernels
import MessagePassing

// check-layers: raw memory, because messages go from where gradients lie to where they are wanted.

/// The messages of a node's speaker: it sends every other node the parts of that node's share of a bucket, adds up what the
/// others send for its own, and sends the sum to all (a reduce-scatter and an allgather, with nothing between them but the
/// bucket itself).
final class NodeMessages {
  /// What has ended with a message.
  private enum Event {
    case sent(bucket: Int)
    case part(bytes: Int, bucket: Int)
    case sum(bytes: Int, bucket: Int, node: Int)
  }

  private struct Send {
    let start: UnsafeRawPointer
    let bytes: Int
    let rank: Int
    let tag: Int
    let bucket: Int
  }

  private let memory: ExchangeMemory
  private let parts: NodeParts
  private let buckets: GradientBuckets
  private let format: GradientFormat
  private let queue: any MessageQueue
  private let addition: OrderedAddition
  /// Of what is there already: one run.
  private let unpacking = OrderedAddition([.take(0)])
  /// The other nodes, from the next one on: in every round each node sends to another one, so that no link has more to carry
  /// than the others.
  private let others: [Int]
  /// Parts of every node.
  private let partsOfNode: [Int]
  /// The other nodes' parts of this node's shares: of each node, and part, the shares of all buckets one after the other.
  private let received: [[UnsafeMutableRawPointer]]
  private let room: AlignedRun<UInt8>
  /// Where each bucket's share begins in them, in values.
  private let shareStarts: [Int]
  /// Sums on their way, where they are not sent from and received to where they are used; and what rounding has lost of
  /// this node's.
  private let sums: AlignedRun<UInt16>
  let sumError: AlignedBuffer

  private var events: [Event] = []
  private var pending: [Send] = []
  private var nextPending = 0
  /// Bytes that go out and come in in a step; and those of this step that were handed over for sending, and that came.
  let bytesToSend: Int
  private let bytesToReceive: Int
  private var bytesSent = 0
  private var bytesReceived = 0
  /// Of each bucket: messages that are still to come or to go before it is there.
  private var missingParts: [Int] = []
  private var missing: [Int] = []
  /// Whether this node's own part of a bucket waits for the others'.
  private var isOwnThere: [Bool] = []

  /// Bytes by which a node may be ahead with sending: enough to keep a link busy between two polls, few enough for the small
  /// sums of batch norm to get through.
  ///
  /// That a send has ended says nothing: the system may hold megabytes of it. But what comes in tells how fast the others
  /// take what goes out, since all go through the same buckets. A node is ahead by the share of its bytes that it has sent
  /// beyond the share of its expected ones that it has received: shares, because a node of several parts sends more than it
  /// receives, and would be held up for ever by bytes. Of all nodes the one that has sent the least share is never ahead,
  /// so that some node goes on always.
  private let window: Int

  init(
    _ memory: ExchangeMemory, _ parts: NodeParts, _ buckets: GradientBuckets, _ format: GradientFormat,
    _ queue: any MessageQueue, window: Int
  ) {
    (self.memory, self.parts, self.buckets, self.format) = (memory, parts, buckets, format)
    (self.queue, self.window) = (queue, window)
    others = (1..<memory.nodes).map { (memory.node + $0) % memory.nodes }
    let tree = SummationTree(memory.layout)
    let blocks = memory.layout.nodes.map { NodeParts.blocks($0, tree, format) }
    partsOfNode = blocks.map(\.count)
    if format == .none {
      addition = OrderedAddition(tree.addition(ofAllFrom: blocks.flatMap { $0 }.map { $0[0] }))
    } else {
      let nodes = SummationTree(NodeLayout(size: blocks.count, ranksPerNode: 1))
      addition = OrderedAddition(nodes.addition(ofAllFrom: blocks.indices.map(nodes.block)))
    }
    var starts = [0]
    for range in buckets.ranges {
      starts.append(starts.last! + GradientBuckets.part(memory.node, of: memory.nodes, range).count)
    }
    shareStarts = starts
    let run = NodeMemory.room(starts.last! * format.part.bytes)
    let others = partsOfNode.enumerated().reduce(0) { $0 + ($1.offset == memory.node ? 0 : $1.element) }
    room = AlignedRun(count: others * run)
    var next = UnsafeMutableRawPointer(room.start)
    received = partsOfNode.enumerated().map { node, count in
      (0..<count).map { _ in
        defer { if node != memory.node { next += run } }
        return next
      }
    }
    let rounds = format == .bf16
    let bytes = Self.bytesOfStep(memory, buckets, format, partsOfNode)
    (bytesToSend, bytesToReceive) = (bytes.sent, bytes.received)
    sums = AlignedRun(count: rounds ? memory.count : 0)
    sumError = AlignedBuffer(count: rounds ? memory.count : 0)
  }

  private static func bytesOfStep(
    _ memory: ExchangeMemory, _ buckets: GradientBuckets, _ format: GradientFormat, _ partsOfNode: [Int]
  ) -> (sent: Int, received: Int) {
    var bytes = (sent: 0, received: 0)
    for range in buckets.ranges {
      let shares = partsOfNode.indices.map { GradientBuckets.part($0, of: memory.nodes, range).count }
      for node in partsOfNode.indices where node != memory.node {
        bytes.sent +=
          shares[node] * partsOfNode[memory.node] * format.part.bytes + shares[memory.node] * format.sum.bytes
        bytes.received +=
          shares[memory.node] * partsOfNode[node] * format.part.bytes + shares[node] * format.sum.bytes
      }
    }
    return bytes
  }

  private func speaker(_ node: Int) -> Int { memory.layout.speaker(of: node) }
  private func share(_ bucket: Int, _ node: Int) -> Range<Int> {
    GradientBuckets.part(node, of: memory.nodes, buckets.ranges[bucket])
  }
  private func receivedPart(_ bucket: Int, _ node: Int, _ part: Int) -> UnsafeMutableRawPointer {
    received[node][part] + shareStarts[bucket] * format.part.bytes
  }
  private func sumStart(_ value: Int) -> UnsafeMutableRawPointer {
    format == .bf16 ? UnsafeMutableRawPointer(sums.start + value) : UnsafeMutableRawPointer(memory.sum + value)
  }

  /// Tags tell a bucket's messages apart.
  private func partTag(_ bucket: Int, _ part: Int) -> Int { (bucket * 64 + part) * 2 }
  private func sumTag(_ bucket: Int) -> Int { bucket * 128 + 1 }

  // MARK: A step

  /// Expects the messages of a step.
  func begin() throws {
    events.removeAll(keepingCapacity: true)
    pending.removeAll(keepingCapacity: true)
    nextPending = 0
    (bytesSent, bytesReceived) = (0, 0)
    missingParts = Array(repeating: 0, count: buckets.count)
    missing = missingParts
    isOwnThere = Array(repeating: false, count: buckets.count)
    for bucket in 0..<buckets.count {
      // The bucket's own parts, its share's sum.
      missing[bucket] += 1
      let own = share(bucket, memory.node)
      for node in others {
        if !own.isEmpty {
          for part in 0..<partsOfNode[node] {
            missingParts[bucket] += 1
            let bytes = UnsafeMutableRawBufferPointer(
              start: receivedPart(bucket, node, part), count: own.count * format.part.bytes)
            try queue.receive(
              bytes, from: speaker(node), tag: partTag(bucket, part),
              number: number(.part(bytes: bytes.count, bucket: bucket)))
          }
        }
        let theirs = share(bucket, node)
        guard !theirs.isEmpty else { continue }
        missing[bucket] += 1
        let bytes = UnsafeMutableRawBufferPointer(
          start: sumStart(theirs.lowerBound), count: theirs.count * format.sum.bytes)
        try queue.receive(
          bytes, from: speaker(node), tag: sumTag(bucket),
          number: number(.sum(bytes: bytes.count, bucket: bucket, node: node)))
      }
    }
  }

  private func number(_ event: Event) -> Int {
    events.append(event)
    return events.count - 1
  }

  /// Sends a bucket's parts, which the node's ranks have summed, to those whose shares they are of.
  func send(_ bucket: Int) throws {
    for node in others {
      let theirs = share(bucket, node)
      guard !theirs.isEmpty else { continue }
      for part in 0..<parts.count {
        enqueue(
          parts.start(part, from: theirs.lowerBound), theirs.count * format.part.bytes, to: node,
          tag: partTag(bucket, part), bucket)
      }
    }
    isOwnThere[bucket] = true
    try addIfComplete(bucket)
    try pump()
  }

  private func enqueue(_ start: UnsafeRawPointer, _ bytes: Int, to node: Int, tag: Int, _ bucket: Int) {
    missing[bucket] += 1
    pending.append(Send(start: start, bytes: bytes, rank: speaker(node), tag: tag, bucket: bucket))
  }

  /// Bytes that this node has sent beyond what would be in step with what it has received.
  private var bytesAhead: Int {
    guard bytesToReceive > 0 else { return 0 }
    return bytesSent - Int(Double(bytesReceived) / Double(bytesToReceive) * Double(bytesToSend))
  }

  private func pump() throws {
    while nextPending < pending.count, bytesAhead < window {
      let send = pending[nextPending]
      bytesSent += send.bytes
      nextPending += 1
      try queue.send(
        UnsafeRawBufferPointer(start: send.start, count: send.bytes), to: send.rank, tag: send.tag,
        number: number(.sent(bucket: send.bucket)))
    }
  }

  /// Moves messages on.
  func advance() throws {
    for number in try queue.poll() {
      switch events[number] {
      case .sent(let bucket):
        missing[bucket] -= 1
      case .part(let bytes, let bucket):
        bytesReceived += bytes
        missingParts[bucket] -= 1
        try addIfComplete(bucket)
      case .sum(let bytes, let bucket, let node):
        bytesReceived += bytes
        if format == .bf16 { unpack(share(bucket, node)) }
        missing[bucket] -= 1
      }
    }
    try pump()
  }

  private func unpack(_ range: Range<Int>) {
    unpacking.sum(
      [NumberRun(sums.start + range.lowerBound, .brainFloat)], count: range.count,
      to: memory.sum + range.lowerBound)
  }

  /// Adds up this node's share of a bucket when all parts of it are there, and sends it to all.
  private func addIfComplete(_ bucket: Int) throws {
    guard isOwnThere[bucket], missingParts[bucket] == 0 else { return }
    isOwnThere[bucket] = false
    missing[bucket] -= 1
    let own = share(bucket, memory.node)
    guard !own.isEmpty else { return }
    let runs = partsOfNode.enumerated().flatMap { node, count in
      (0..<count).map { part in
        node == memory.node
          ? NumberRun(parts.start(part, from: own.lowerBound), format.part)
          : NumberRun(receivedPart(bucket, node, part), format.part)
      }
    }
    let target = memory.sum + own.lowerBound
    if format == .bf16 {
      addition.sum(
        runs, count: own.count, toBrainFloats: sums.start + own.lowerBound, error: sumError.start + own.lowerBound,
        values: target)
    } else {
      addition.sum(runs, count: own.count, to: target)
    }
    for node in others {
      enqueue(sumStart(own.lowerBound), own.count * format.sum.bytes, to: node, tag: sumTag(bucket), bucket)
    }
  }

  /// Whether a bucket's sum is there, and nothing of it is still on its way.
  func isThere(_ bucket: Int) -> Bool { missing[bucket] == 0 }
}
