import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Adam with Keras's defaults: β₁ 0.9, β₂ 0.999, ε 1e-7 outside the bias correction (Kingma and Ba 2015, algorithm 1).
public final class Adam: Optimizer {
  public static let name = "adam"
  public static let settings: Set<OptimizerSettings.Field> = []
  public var steps = 0
  private let firstMoment: ParameterArena
  private let secondMoment: ParameterArena

  private static let beta1: Float = 0.9
  private static let beta2: Float = 0.999
  private static let epsilon: Float = 1e-7

  public init(_ settings: OptimizerSettings = OptimizerSettings(), for parameters: ParameterArena) {
    firstMoment = ParameterArena(like: parameters)
    secondMoment = ParameterArena(like: parameters)
  }

  public var state: [OptimizerState] {
    [OptimizerState("first_moments", firstMoment), OptimizerState("second_moments", secondMoment)]
  }

  public func update(_ step: OptimizerStep) { update(step, kept: 1) }

  /// - Parameter kept: what weights that decay are multiplied by first.
  func update(_ step: OptimizerStep, kept: Float) {
    let (beta1, beta2) = (Self.beta1, Self.beta2)
    let correction =
      (1 - pow(Double(beta2), Double(steps))).squareRoot() / (1 - pow(Double(beta1), Double(steps)))
    let rate = Float(Double(step.learningRate) * correction)
    let (first, second) = (firstMoment.storage.start, secondMoment.storage.start)
    let weights = step.parameters.storage.start
    step.forEachRun { run in
      let kept = run.declaration.decays ? kept : 1
      for i in run.vectors {
        let gradient = step.gradient(i)
        let m = Vector.load(first + i)
        let moment = m.addingProduct(gradient - m, 1 - beta1)
        let v = Vector.load(second + i)
        let square = v.addingProduct(gradient * gradient - v, 1 - beta2)
        moment.store(first + i)
        square.store(second + i)
        (Vector.load(weights + i) * kept - moment * rate / (square.root + Self.epsilon)).store(weights + i)
      }
    }
  }
}
