import Kernels

/// A gated recurrent unit over a song's steps, in Keras's form `GRU(reset_after=True)`.
package struct RecurrentLayer: Layer {
  /// What of its states it hands on.
  package enum Returning: Sendable {
    case everyStep
    case lastStep
  }

  package let name: String
  let units: Int
  let returning: Returning

  package init(_ name: String, units: Int, returning: Returning) {
    (self.name, self.units, self.returning) = (name, units, returning)
  }

  package func output(of input: SignalShape) -> SignalShape {
    SignalShape(columns: returning == .everyStep ? input.columns : nil, channels: units)
  }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration(
        "\(name)/kernel", [input.channels, 3 * units], groups: 3, initialValue: .glorotUniform, decays: true),
      TensorDeclaration(
        "\(name)/recurrent_kernel", [units, 3 * units], groups: 3, initialValue: .orthogonal, decays: true),
      TensorDeclaration("\(name)/bias", [2, 3 * units], groups: 3),
    ]
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    switch returning {
    case .everyStep: [SummaryRow(name, "GRU, all steps", [input.columns ?? 1, units])]
    case .lastStep: [SummaryRow(name, "GRU, last step", [units])]
    }
  }

  package func makePass(at site: LayerSite) -> any LayerPass { RecurrentPass(self, site) }
}

private final class RecurrentPass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  private let recurrence: GatedRecurrence
  private let returning: RecurrentLayer.Returning
  private let kernel: UnsafeMutablePointer<Float>
  private let recurrent: UnsafeMutablePointer<Float>
  private let bias: UnsafeMutablePointer<Float>
  private let kernelGradient: UnsafeMutablePointer<Double>
  private let recurrentGradient: UnsafeMutablePointer<Double>
  private let biasGradient: UnsafeMutablePointer<Double>

  init(_ layer: RecurrentLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    returning = layer.returning
    recurrence = GatedRecurrence(
      inputs: source.shape.channels, units: layer.units, maximumBatch: site.maximumBatch,
      maximumSteps: site.maximumColumns, leadingRows: source.leadingSteps, team: site.team)
    let shape = layer.output(of: source.shape)
    output =
      returning == .everyStep
      ? Signal(shape, leadingSteps: 1, values: recurrence.states)
      : Signal(shape, maximumBatch: site.maximumBatch, maximumColumns: 0)
    kernel = site.tensors.weights("\(layer.name)/kernel")
    recurrent = site.tensors.weights("\(layer.name)/recurrent_kernel")
    bias = site.tensors.weights("\(layer.name)/bias")
    kernelGradient = site.tensors.gradient("\(layer.name)/kernel")
    recurrentGradient = site.tensors.gradient("\(layer.name)/recurrent_kernel")
    biasGradient = site.tensors.gradient("\(layer.name)/bias")
  }

  func forward(_ batch: BatchPass) {
    let songs = batch.input(index)
    recurrence.forward(source.values, songs: songs, kernel: kernel, recurrent: recurrent, bias: bias)
    if returning == .lastStep { recurrence.copyLastStates(songs, to: output.values) }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  func backward(_ batch: BatchPass) {
    recurrence.backward(
      source.values, songs: batch.input(index), stateGradient: output.gradient,
      everyStep: returning == .everyStep, kernel: kernel, recurrent: recurrent, kernelGradient: kernelGradient,
      recurrentGradient: recurrentGradient, biasGradient: biasGradient, sequenceGradient: source.gradient)
  }
}
