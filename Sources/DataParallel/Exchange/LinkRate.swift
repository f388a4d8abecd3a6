import Kernels
import MessagePassing

// check-layers: raw memory, because messages lie in it.

/// What a link between two nodes carries each way while both send.
public enum LinkRate {
  /// Sent in a round.
  private static let total = 24 << 20
  /// Which messages are fastest depends on the link: on one of 1 Gbit/s those of 1 MiB reach five sixths of what small ones do.
  private static let sizes = [1 << 16, 1 << 18, 1 << 20]
  private static let atOnce = 4

  /// Bytes a second each way between the first two nodes; nil where there is one. Collective.
  public static func measure(_ communicator: any Communicator) throws -> Double? {
    let nodes = communicator.layout.nodes
    guard nodes.count > 1 else { return nil }
    let queue = try communicator.makeMessageQueue()
    let pair = [nodes[0][0], nodes[1][0]]
    var best = 0.0
    for round in 0..<2 * sizes.count {
      let bytes = sizes[round % sizes.count]
      try communicator.barrier()
      let start = StepProfile.now()
      if let place = pair.firstIndex(of: communicator.rank) {
        try exchange(total / bytes, of: bytes, with: pair[1 - place], queue)
      }
      best = max(best, Double(total) / (StepProfile.now() - start))
    }
    return try communicator.allreduce(pair.contains(communicator.rank) ? best : .infinity, .minimum)
  }

  private static func exchange(
    _ messages: Int, of bytes: Int, with other: Int, _ queue: any MessageQueue
  ) throws {
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
