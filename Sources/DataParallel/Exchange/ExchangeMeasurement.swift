import Kernels
import MessagePassing
import Networks

// check-layers: raw memory, because messages lie in it.

/// How fast gradients of a size are summed over the ranks, with nothing else to do meanwhile.
public final class ExchangeMeasurement {
  private let communicator: any Communicator
  private let exchange: ReplicaExchange
  private let count: Int

  /// Collective.
  /// - Parameter bytes: of 64-bit gradients.
  public init(_ communicator: any Communicator, bytes: Int, _ options: ReplicaExchange.Options) throws {
    self.communicator = communicator
    count = max(1, bytes / MemoryLayout<Double>.stride)
    exchange = try ReplicaExchange(
      communicator, GradientLayout(layers: [0..<count]), smallSums: 64, options)
  }

  /// Seconds of a sum: the slowest rank's. Collective.
  public func measure() throws -> Double {
    try communicator.barrier()
    let start = StepProfile.now()
    try exchange.gradients?.begin()
    try exchange.gradients?.finish()
    return try communicator.allreduce(StepProfile.now() - start, .maximum)
  }

  /// Bytes that a node sends each way, and has to: every part but its own share's, then its share's sum to all others.
  public var bytesOverLink: Int {
    guard let gradients = exchange.gradients, gradients.nodes > 1 else { return 0 }
    let nodes = gradients.nodes
    return count * (nodes - 1) / nodes * (gradients.format.part.bytes + gradients.format.sum.bytes)
  }
}

/// What a link between two nodes carries each way while both send.
public enum LinkRate {
  private static let bytes = 1 << 20
  private static let messages = 24
  private static let atOnce = 4

  /// Bytes a second each way between the first two nodes; nil where there is one. Collective.
  public static func measure(_ communicator: any Communicator) throws -> Double? {
    let nodes = communicator.layout.nodes
    guard nodes.count > 1 else { return nil }
    let queue = try communicator.makeMessageQueue()
    let pair = [nodes[0][0], nodes[1][0]]
    var best = 0.0
    for _ in 0..<3 {
      try communicator.barrier()
      let start = StepProfile.now()
      if let place = pair.firstIndex(of: communicator.rank) { try exchange(with: pair[1 - place], queue) }
      best = max(best, Double(bytes * messages) / (StepProfile.now() - start))
    }
    return try communicator.allreduce(pair.contains(communicator.rank) ? best : .infinity, .minimum)
  }

  private static func exchange(with other: Int, _ queue: any MessageQueue) throws {
    let (sent, received) = (AlignedRun<UInt8>(count: bytes), AlignedRun<UInt8>(count: bytes * atOnce))
    var (begun, ended) = (0, 0)
    while ended < 2 * messages {
      while begun < messages, 2 * begun - ended < 2 * atOnce {
        let room = UnsafeMutableRawBufferPointer(
          start: received.start + begun % atOnce * bytes, count: bytes)
        try queue.receive(room, from: other, tag: 0, number: 0)
        try queue.send(UnsafeRawBufferPointer(start: sent.start, count: bytes), to: other, tag: 0, number: 1)
        begun += 1
      }
      ended += try queue.poll().count
    }
  }
}
