import Kernels

/// What gated recurrent layers of all kinds have in common.
struct RecurrentDescription: Sendable {
  /// Begins the names of its tensors.
  let name: String
  let units: Int
  let returning: RecurrentLayer.Returning
  /// The shape of the biases before that of the gates: two rows of them, or one.
  let biasRows: [Int]

  func output(of input: SignalShape) -> SignalShape {
    SignalShape(columns: returning == .everyStep ? input.columns : nil, channels: units)
  }

  func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration(
        "\(name)/kernel", [input.channels, 3 * units], groups: 3, initialValue: .glorotUniform, decays: true),
      TensorDeclaration(
        "\(name)/recurrent_kernel", [units, 3 * units], groups: 3, initialValue: .orthogonal, decays: true),
      TensorDeclaration("\(name)/bias", biasRows + [3 * units], groups: 3),
    ]
  }

  func operations(resetAfter: Bool) -> [LayerOperation] {
    let returnsAllSteps = returning == .everyStep
    return [
      .recurrence(Recurrence(name: name, units: units, resetAfter: resetAfter, returnsAllSteps: returnsAllSteps))
    ]
  }

  func summary(of input: SignalShape, kind: String) -> [SummaryRow] {
    switch returning {
    case .everyStep: [SummaryRow(name, "\(kind), all steps", [input.columns ?? 1, units])]
    case .lastStep: [SummaryRow(name, "\(kind), last step", [units])]
    }
  }
}

/// A recurrent layer's tensors inside the arenas.
struct RecurrentTensors {
  let kernel: UnsafeMutablePointer<Float>
  let recurrent: UnsafeMutablePointer<Float>
  let bias: UnsafeMutablePointer<Float>
  let kernelGradient: UnsafeMutablePointer<Double>
  let recurrentGradient: UnsafeMutablePointer<Double>
  let biasGradient: UnsafeMutablePointer<Double>

  init(_ layer: String, _ tensors: LayerTensors) {
    kernel = tensors.weights("\(layer)/kernel")
    recurrent = tensors.weights("\(layer)/recurrent_kernel")
    bias = tensors.weights("\(layer)/bias")
    kernelGradient = tensors.gradient("\(layer)/kernel")
    recurrentGradient = tensors.gradient("\(layer)/recurrent_kernel")
    biasGradient = tensors.gradient("\(layer)/bias")
  }
}
