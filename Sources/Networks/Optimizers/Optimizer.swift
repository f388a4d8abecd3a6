import Kernels

/// Changes weights by their gradients, and remembers from step to step what it needs for that.
///
/// Whoever keeps, sends or compares an optimiser's state goes through `state` and `steps` and need not know which
/// optimiser it is. A new one is a file here and a line in `Optimizers.all`.
public protocol Optimizer: AnyObject {
  /// What options and profiles call it.
  static var name: String { get }
  /// The settings that it takes beside the learning rate.
  static var settings: Set<OptimizerSettings.Field> { get }
  /// Arenas laid out like the weights.
  var state: [OptimizerState] { get }
  /// Steps taken.
  var steps: Int { get set }

  init(_ settings: OptimizerSettings, for parameters: ParameterArena)

  /// Takes a step; `steps` counts it already.
  func update(_ step: OptimizerStep)
}

/// One arena of an optimiser's state.
public struct OptimizerState {
  /// Its group in a checkpoint.
  public let name: String
  public let arena: ParameterArena

  public init(_ name: String, _ arena: ParameterArena) { (self.name, self.arena) = (name, arena) }
}

/// What optimisers take beside the learning rate; nil: the optimiser's own default.
public struct OptimizerSettings: Sendable, Equatable {
  /// A setting that not every optimiser takes, by the name of its option.
  public enum Field: String, Sendable, CaseIterable {
    case momentum
    case weightDecay = "weight_decay"
  }

  /// Share of the last step's velocity that the next one keeps.
  public var momentum: Double?
  /// Share of a weight that a step of learning rate 1 takes away.
  public var weightDecay: Double?

  public init(momentum: Double? = nil, weightDecay: Double? = nil) {
    self.momentum = momentum
    self.weightDecay = weightDecay
  }
}

/// All optimisers.
public enum Optimizers {
  public static var all: [any Optimizer.Type] {
    [
      Adam.self,
      AdamW.self,
      SGD.self,
      LAMB.self,
    ]
  }

  /// Nil for a name that none has.
  public static func named(_ name: String) -> (any Optimizer.Type)? { all.first { $0.name == name } }
}

extension Optimizer {
  /// What the optimiser's buffers will take. Takes nothing.
  public static func plannedMemory(_ settings: OptimizerSettings, for network: Network) -> MemoryCount {
    let weights = MemoryAccount.counting(.planning) { ParameterArena(network.trainableTensors) }.value
    return MemoryAccount.counting(.planning) { Self(settings, for: weights) }.count
  }

  /// An optimiser with its buffers.
  /// - Throws: `Failure` of kind `fault` where the system refuses the memory.
  public static func taking(_ settings: OptimizerSettings, for parameters: ParameterArena) throws -> Self {
    let (optimizer, memory) = MemoryAccount.counting(.taking) { Self(settings, for: parameters) }
    try memory.refuseRefused("the optimiser's state")
    return optimizer
  }

  /// Changes a replica's weights by the sum of all replicas' gradients.
  ///
  ///     try replica.computeGradients(batch, step: step)
  ///     replica.takeOwnGradients()  // where it has no company
  ///     let adam = Adam(OptimizerSettings(), for: replica.parameters)
  ///     adam.apply(to: replica, learningRate: 1e-3)
  ///
  /// - Parameters:
  ///   - replica: whose `gradientSum` holds the sum.
  ///   - learningRate: of this step.
  ///   - clipNorm: where the Euclidean norm of the whole gradient exceeds this, the gradient is scaled down
  ///     to it (Pascanu et al. 2013); nil: never.
  ///   - norm: that norm, where it is known.
  public func apply(to replica: Replica, learningRate: Float, clipNorm: Float? = nil, norm: Double? = nil) {
    steps += 1
    var scale: Float = 1
    if let clipNorm {
      scale = Float(min(1, Double(clipNorm) / max(norm ?? replica.gradientNorm, 1e-30)))
    }
    replica.profile?.layer = "optimizer"
    let bytes = replica.parameters.count * (12 + 8 * state.count)
    replica.team.measure(Self.name, StepProfile.Work(bytes: bytes)) {
      update(
        OptimizerStep(
          parameters: replica.parameters, gradients: replica.gradientSum, gradientScale: scale,
          learningRate: learningRate, team: replica.team))
    }
  }
}
