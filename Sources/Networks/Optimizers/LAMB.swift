import Kernels

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Layer-wise adaptive moments for large batches (You et al. 2020, algorithm 2), in Keras's form: Adam's direction,
/// plus the decay of kernels, is scaled in every tensor to a step of learning rate times the tensor's own norm.
public final class LAMB: Optimizer {
  public static let name = "lamb"
  public static let settings: Set<OptimizerSettings.Field> = [.weightDecay]
  public var steps = 0
  private let firstMoment: ParameterArena
  private let secondMoment: ParameterArena
  /// The direction of the step that is being taken.
  private let direction: ParameterArena
  private let weightDecay: Float
  /// Of every run: squares of its weights and of its direction.
  private var squares: [(weights: Double, direction: Double)]
  /// Of every tensor: what its direction is multiplied by.
  private var rates: [Float]

  private static let beta1 = 0.9
  private static let beta2 = 0.999
  private static let epsilon: Float = 1e-7

  public init(_ settings: OptimizerSettings, for parameters: ParameterArena) {
    firstMoment = ParameterArena(like: parameters)
    secondMoment = ParameterArena(like: parameters)
    direction = ParameterArena(like: parameters)
    weightDecay = Float(settings.weightDecay ?? 0)
    squares = Array(repeating: (0, 0), count: parameters.runs.count)
    rates = Array(repeating: 0, count: parameters.placements.count)
  }

  public var state: [OptimizerState] {
    [OptimizerState("first_moments", firstMoment), OptimizerState("second_moments", secondMoment)]
  }

  public func update(_ step: OptimizerStep) {
    squares.withUnsafeMutableBufferPointer { squares in
      let start = squares.baseAddress
      step.forEachRun { run in start![run.number] = self.findDirection(run, step) }
    }
    setRates(step)
    let (weights, direction) = (step.parameters.storage.start, direction.storage.start)
    step.forEachRun { run in
      let rate = Vector(repeating: -self.rates[run.tensor])
      for i in run.vectors {
        Vector.load(weights + i).addingProduct(Vector.load(direction + i), rate).store(weights + i)
      }
    }
  }

  /// The sums of squares of the run's weights and of its direction, which padding adds nothing to.
  private func findDirection(
    _ run: ParameterArena.Run, _ step: OptimizerStep
  ) -> (weights: Double, direction: Double) {
    let (first, second) = (firstMoment.storage.start, secondMoment.storage.start)
    let (weights, direction) = (step.parameters.storage.start, direction.storage.start)
    let firstShare = Float(1 / (1 - pow(Self.beta1, Double(steps))))
    let secondShare = Float(1 / (1 - pow(Self.beta2, Double(steps))))
    let decay = run.declaration.decays ? weightDecay : 0
    var sums = (weights: 0.0, direction: 0.0)
    for i in run.vectors {
      let gradient = step.gradient(i)
      let m = Vector.load(first + i)
      let moment = m.addingProduct(gradient - m, Vector(repeating: Float(1 - Self.beta1)))
      let v = Vector.load(second + i)
      let square = v.addingProduct(gradient * gradient - v, Vector(repeating: Float(1 - Self.beta2)))
      moment.store(first + i)
      square.store(second + i)
      let weight = Vector.load(weights + i)
      let change = (moment * firstShare / ((square * secondShare).root + Self.epsilon))
        .addingProduct(weight, Vector(repeating: decay))
      change.store(direction + i)
      sums.weights += (weight.lowHalf.doubles * weight.lowHalf.doubles).sum()
      sums.weights += (weight.highHalf.doubles * weight.highHalf.doubles).sum()
      sums.direction += (change.lowHalf.doubles * change.lowHalf.doubles).sum()
      sums.direction += (change.highHalf.doubles * change.highHalf.doubles).sum()
    }
    return sums
  }

  /// The ratio of norms is 1 where either is zero.
  private func setRates(_ step: OptimizerStep) {
    var norms = [(weights: Double, direction: Double)](repeating: (0, 0), count: rates.count)
    for run in step.parameters.runs {
      norms[run.tensor].weights += squares[run.number].weights
      norms[run.tensor].direction += squares[run.number].direction
    }
    for (tensor, norm) in norms.enumerated() {
      let ratio =
        norm.weights > 0 && norm.direction > 0 ? (norm.weights / norm.direction).squareRoot() : 1
      rates[tensor] = Float(Double(step.learningRate) * ratio)
    }
  }
}
