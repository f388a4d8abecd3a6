import MessagePassing
import Networks

// check-layers: raw memory, because the network hands over its sums where they lie.

/// Batch norm over the global batch (`--batch-norm sync`): the sums that make up means, variances and their
/// gradients are added over all ranks, in 64 bits.
public final class SynchronousStatistics: BatchStatisticsReduction {
  private let communicator: any Communicator

  public init(_ communicator: any Communicator) {
    self.communicator = communicator
  }

  /// Replaces the values by their sums over all ranks. Collective: ranks without songs bring zeros.
  public func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    try communicator.allreduce(values, .sum)
  }
}
