import Kernels

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): beside Adam's step every kernel loses
/// learning rate times decay of itself; biases and batch norm's parameters are spared. Keras's defaults.
public final class AdamW: Optimizer {
  public static let name = "adamw"
  public static let settings: Set<OptimizerSettings.Field> = [.weightDecay]
  private let adam: Adam
  private let weightDecay: Double

  public init(_ settings: OptimizerSettings, for parameters: ParameterArena) {
    adam = Adam(settings, for: parameters)
    weightDecay = settings.weightDecay ?? 0.004
  }

  public var state: [OptimizerState] { adam.state }
  public var steps: Int {
    get { adam.steps }
    set { adam.steps = newValue }
  }

  public func update(_ step: OptimizerStep) {
    adam.update(step, kept: Float(1 - Double(step.learningRate) * weightDecay))
  }
}
