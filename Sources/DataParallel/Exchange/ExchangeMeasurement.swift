import Kernels
import MessagePassing
import Networks

/// How fast gradients of a size are summed over the ranks, with nothing else to do meanwhile.
public final class ExchangeMeasurement {
  private let communicator: any Communicator
  private let exchange: ReplicaExchange

  /// Collective.
  /// - Parameters:
  ///   - communicator: of all ranks that take part.
  ///   - bytes: of 64-bit gradients.
  ///   - options: how the exchange that is measured goes about it.
  public init(_ communicator: any Communicator, bytes: Int, _ options: ReplicaExchange.Options) throws {
    self.communicator = communicator
    let count = max(1, bytes / MemoryLayout<Double>.stride)
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

  /// What somebody should know who reads the time; nil: nothing.
  public var advice: String? { exchange.advice }

  /// Bytes that this rank's node sends in a sum: known to the rank that speaks for it, as rank 0 does; 0 on one node.
  public var bytesToSend: Int { exchange.gradients?.bytesToSend ?? 0 }
}
