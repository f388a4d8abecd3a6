import Kernels

/// The last layer: dropout, dense, sigmoid, and the binary cross-entropy that its probabilities are judged by.
package struct TagsLayer: OutputLayer {
  package let name = "tags"
  let tags: Int
  /// Share of the inputs dropped in training.
  let dropout: Double

  package init(tags: Int, dropout: Double) { (self.tags, self.dropout) = (tags, dropout) }

  package var dropouts: Int { 1 }

  package func output(of input: SignalShape) -> SignalShape { SignalShape(columns: nil, channels: tags) }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration("\(name)/kernel", [input.channels, tags], initialValue: .glorotUniform, decays: true),
      TensorDeclaration("\(name)/bias", [tags]),
    ]
  }

  package var operations: [LayerOperation]? { [.dropout(dropout), .dense(name, units: tags, .sigmoid)] }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [
      SummaryRow("final_dropout", "dropout \(dropout)", [input.channels]),
      SummaryRow(name, "dense, sigmoid", [tags]),
    ]
  }

  package func makeOutputPass(at site: LayerSite) -> any OutputPass { TagsPass(self, site) }
}

private final class TagsPass: OutputPass {
  /// Nothing reads it: probabilities are made from the logits that the kernel keeps.
  let output: Signal
  private let source: Signal
  private let dense: SigmoidOutput
  private let firstDropout: Int
  private let dropoutRate: Double
  private let team: ThreadTeam
  private let kernel: UnsafeMutablePointer<Float>
  private let bias: UnsafeMutablePointer<Float>
  private let kernelGradient: UnsafeMutablePointer<Double>
  private let biasGradient: UnsafeMutablePointer<Double>

  init(_ layer: TagsLayer, _ site: LayerSite) {
    source = site.input
    output = Signal(input: layer.output(of: source.shape))
    dense = SigmoidOutput(
      inputs: source.shape.channels, outputs: layer.tags, maximumBatch: site.maximumBatch)
    firstDropout = site.firstDropout
    dropoutRate = layer.dropout
    team = site.team
    kernel = site.tensors.weights("\(layer.name)/kernel")
    bias = site.tensors.weights("\(layer.name)/bias")
    kernelGradient = site.tensors.gradient("\(layer.name)/kernel")
    biasGradient = site.tensors.gradient("\(layer.name)/bias")
  }

  func forward(_ batch: BatchPass) {
    let dropout = batch.dropout(firstDropout, rate: dropoutRate)
    team.measure("products", work(batch)) {
      dense.forward(source.values, kernel: kernel, bias: bias, dropout: dropout, songNumbers: batch.songs)
    }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  func lossSum(_ batch: BatchPass) -> Double {
    batch.count == 0
      ? 0
      : batch.labels.withUnsafeBufferPointer { dense.crossEntropy(labels: $0.baseAddress!, songs: batch.count) }
  }

  func probabilities(_ batch: BatchPass) -> [Float] { dense.probabilities(songs: batch.count) }

  /// Scaled so that the gradients of all ranks add up to those of the mean over the global batch and the tags.
  func backward(_ batch: BatchPass) {
    let songs = batch.step?.globalSongs ?? batch.count
    team.measure("products", work(batch) + work(batch)) {
      batch.labels.withUnsafeBufferPointer { labels in
        withUnsafePointer(to: Float(0)) { none in
          dense.backward(
            labels: labels.baseAddress ?? none, songs: batch.count, scale: 1 / Float(songs * dense.outputs),
            kernel: kernel, kernelGradient: kernelGradient, biasGradient: biasGradient,
            stateGradient: source.gradient)
        }
      }
    }
  }

  private func work(_ batch: BatchPass) -> StepProfile.Work {
    let (songs, units, tags) = (batch.count, dense.inputs, dense.outputs)
    return StepProfile.Work(
      direct: 2 * songs * units * tags, executed: 2 * songs * units * padded(tags),
      bytes: 4 * (units * padded(tags) + songs * (padded(units) + padded(tags))))
  }
}
