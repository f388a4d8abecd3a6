import Kernels

/// A gated recurrent unit over a song's steps, in Keras's form `GRU(reset_after=True)`.
package struct RecurrentLayer: Layer {
  /// What of its states it hands on.
  package enum Returning: Sendable {
    case everyStep
    case lastStep
  }

  let description: RecurrentDescription

  package init(_ name: String, units: Int, returning: Returning) {
    description = RecurrentDescription(name: name, units: units, returning: returning, biasRows: [2])
  }

  package var name: String { description.name }
  package func output(of input: SignalShape) -> SignalShape { description.output(of: input) }
  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    description.trainableTensors(of: input)
  }
  package var operations: [LayerOperation]? { description.operations(resetAfter: true) }
  package func summary(of input: SignalShape) -> [SummaryRow] { description.summary(of: input, kind: "GRU") }
  package func makePass(at site: LayerSite) -> any LayerPass { RecurrentPass(self, site) }
}

private final class RecurrentPass: LayerPass {
  let output: Signal
  private let index: Int
  private let source: Signal
  private let recurrence: GatedRecurrence
  private let returning: RecurrentLayer.Returning
  private let tensors: RecurrentTensors

  init(_ layer: RecurrentLayer, _ site: LayerSite) {
    index = site.index
    source = site.input
    returning = layer.description.returning
    recurrence = GatedRecurrence(
      inputs: source.shape.channels, units: layer.description.units, maximumBatch: site.maximumBatch,
      maximumSteps: site.maximumColumns, leadingRows: source.leadingSteps, team: site.team)
    let shape = layer.output(of: source.shape)
    output =
      returning == .everyStep
      ? Signal(shape, leadingSteps: 1, values: recurrence.states)
      : Signal(shape, maximumBatch: site.maximumBatch, maximumColumns: 0)
    tensors = RecurrentTensors(layer.name, site.tensors)
  }

  func forward(_ batch: BatchPass) {
    let songs = batch.input(index)
    recurrence.forward(
      source.values, songs: songs, kernel: tensors.kernel, recurrent: tensors.recurrent, bias: tensors.bias)
    if returning == .lastStep { recurrence.copyLastStates(songs, to: output.values) }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  func backward(_ batch: BatchPass) {
    recurrence.backward(
      source.values, songs: batch.input(index), stateGradient: output.gradient,
      everyStep: returning == .everyStep, kernel: tensors.kernel, recurrent: tensors.recurrent,
      kernelGradient: tensors.kernelGradient, recurrentGradient: tensors.recurrentGradient,
      biasGradient: tensors.biasGradient, sequenceGradient: source.gradient)
  }
}
