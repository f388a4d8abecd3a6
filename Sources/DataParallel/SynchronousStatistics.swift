import Kernels
import MessagePassing
import Networks

// check-layers: raw memory, because the network hands over its sums where they lie.

/// Batch norm over the global batch (`--batch-norm sync`): the sums that make up means, variances and their gradients are
/// added over all ranks, in 64 bits.
public final class SynchronousStatistics: BatchStatisticsReduction {
  private let exchange: ReplicaExchange
  /// Where the sums are timed, as a phase of the layer that needs them.
  public var profile: StepProfile?

  public init(_ exchange: ReplicaExchange) { self.exchange = exchange }

  /// Replaces the values by their sums over all ranks. Collective: ranks without songs bring zeros.
  public func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    guard let profile else { return try exchange.sum(values) }
    try profile.measure("sum over the ranks") { try exchange.sum(values) }
  }
}
