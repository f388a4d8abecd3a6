import Kernels
import MessagePassing

// check-layers: raw memory, because messages lie in it.

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
