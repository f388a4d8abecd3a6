import Kernels

/// Stochastic gradient descent with Nesterov's momentum, in Keras's form `SGD(nesterov=True)`:
///
///     v ← momentum·v − rate·g
///     w ← w + momentum·v − rate·g
///
/// With a momentum of 0 it is plain gradient descent (Sutskever et al. 2013, section 2).
public final class SGD: Optimizer {
  public static let name = "sgd"
  public static let settings: Set<OptimizerSettings.Field> = [.momentum]
  public var steps = 0
  private let velocity: ParameterArena
  private let momentum: Float

  public init(_ settings: OptimizerSettings, for parameters: ParameterArena) {
    velocity = ParameterArena(like: parameters)
    momentum = Float(settings.momentum ?? 0.9)
  }

  public var state: [OptimizerState] { [OptimizerState("velocities", velocity)] }

  public func update(_ step: OptimizerStep) {
    let (velocity, weights) = (velocity.storage.start, step.parameters.storage.start)
    let (momentum, rate) = (momentum, step.learningRate)
    step.forEachVector { i, gradient in
      let change = gradient * rate
      let v = Vector.load(velocity + i) * momentum - change
      v.store(velocity + i)
      (Vector.load(weights + i).addingProduct(v, momentum) - change).store(weights + i)
    }
  }
}
