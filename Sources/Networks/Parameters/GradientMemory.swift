import Kernels

// check-layers: raw memory, because other ranks look into it.

/// Where a replica's gradients lie when they are not its own affair: in memory that ranks of a node share.
public struct GradientMemory {
  /// This replica's own part, for `GradientLayout.count` values and a vector more.
  package let gradients: UnsafeMutablePointer<Double>
  /// The sum of all replicas' parts, as large.
  package let sum: UnsafeMutablePointer<Float>
  /// Keeps the memory for as long as it is used.
  package let owner: AnyObject

  public init(gradients: UnsafeMutablePointer<Double>, sum: UnsafeMutablePointer<Float>, owner: AnyObject) {
    (self.gradients, self.sum, self.owner) = (gradients, sum, owner)
  }
}

/// Which values of the gradients' arena belong to which layer.
public struct GradientLayout: Sendable, Equatable {
  /// Of each layer, in order and without a gap.
  public let layers: [Range<Int>]

  /// Values of all layers together, padding included.
  public var count: Int { layers.last?.upperBound ?? 0 }

  /// - Parameter layers: from 0 on, without a gap.
  public init(layers: [Range<Int>]) { self.layers = layers }
}
