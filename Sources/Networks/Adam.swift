import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Adam with Keras's defaults: β₁ 0.9, β₂ 0.999, ε 1e-7 outside the bias correction (Kingma and Ba 2015).
public final class Adam {
  public let firstMoment: ParameterArena
  public let secondMoment: ParameterArena
  /// Steps taken.
  public var steps = 0
  public var beta1: Float = 0.9
  public var beta2: Float = 0.999
  public var epsilon: Float = 1e-7

  public init(for parameters: ParameterArena) {
    firstMoment = ParameterArena(like: parameters)
    secondMoment = ParameterArena(like: parameters)
  }

  /// Changes a replica's weights by its gradients.
  ///
  /// - Parameter clipNorm: where the Euclidean norm of the whole gradient exceeds this, the gradient is scaled down
  ///   to it (Pascanu et al. 2013); nil: never.
  public func apply(to replica: Replica, learningRate: Float, clipNorm: Float? = nil) {
    steps += 1
    var scale: Float = 1
    if let clipNorm {
      let squares = AdamUpdate.sumOfSquares(
        replica.gradients.storage.start, count: replica.gradients.count, team: replica.team)
      scale = Float(min(1, Double(clipNorm) / max(squares.squareRoot(), 1e-30)))
    }
    let correction =
      (1 - pow(Double(beta2), Double(steps))).squareRoot() / (1 - pow(Double(beta1), Double(steps)))
    let count = replica.parameters.count
    replica.profile?.layer = "Adam"
    replica.team.measure("all weights", StepProfile.Work(bytes: 32 * count)) {
      AdamUpdate.apply(
        count: count, gradient: replica.gradients.storage.start, weights: replica.parameters.storage.start,
        firstMoment: firstMoment.storage.start, secondMoment: secondMoment.storage.start, gradientScale: scale,
        rate: Float(Double(learningRate) * correction), beta1: beta1, beta2: beta2, epsilon: epsilon,
        team: replica.team)
    }
  }
}
