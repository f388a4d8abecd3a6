import Kernels

/// The last layer: dropout, dense, sigmoid, and the binary cross-entropy that its probabilities are judged by. Where there are
/// auxiliary targets, a dense layer of their own takes the same inputs, and their cross-entropy counts too.
///
/// The loss of a song is the mean over its tags, where they are known, and `weight` times the mean over its auxiliary targets.
package struct TagsLayer: OutputLayer {
  package let name = "tags"
  let tags: Int
  /// Share of the inputs dropped in training.
  let dropout: Double
  let auxiliary: AuxiliaryHead?

  package init(tags: Int, dropout: Double, auxiliary: AuxiliaryHead? = nil) {
    (self.tags, self.dropout, self.auxiliary) = (tags, dropout, auxiliary)
  }

  package var dropouts: Int { 1 }

  package func output(of input: SignalShape) -> SignalShape { SignalShape(columns: nil, channels: tags) }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration("\(name)/kernel", [input.channels, tags], initialValue: .glorotUniform, decays: true),
      TensorDeclaration("\(name)/bias", [tags]),
    ]
      + (auxiliary.map { head in
        [
          TensorDeclaration(
            "\(AuxiliaryHead.layer)/kernel", [input.channels, head.outputs], initialValue: .glorotUniform,
            decays: true),
          TensorDeclaration("\(AuxiliaryHead.layer)/bias", [head.outputs]),
        ]
      } ?? [])
  }

  package var operations: [LayerOperation]? { [.dropout(dropout), .dense(name, units: tags, .sigmoid)] }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [
      SummaryRow("final_dropout", "dropout \(dropout)", [input.channels]),
      SummaryRow(name, "dense, sigmoid", [tags]),
    ]
      + (auxiliary.map { [SummaryRow(AuxiliaryHead.layer, "dense, sigmoid, loss × \($0.weight)", [$0.outputs])] }
        ?? [])
  }

  package func makeOutputPass(at site: LayerSite) -> any OutputPass { TagsPass(self, site) }
}

private final class TagsPass: OutputPass {
  /// Nothing reads it: probabilities are made from the logits that the kernel keeps.
  let output: Signal
  private let source: Signal
  private let tags: Head
  private let auxiliary: Head?
  private let dropped: DroppedStates
  /// What the auxiliary targets want of the inputs.
  private let auxiliaryGradient: AlignedBuffer
  private let firstDropout: Int
  private let dropoutRate: Double
  private let team: ThreadTeam

  /// A dense layer with its tensors.
  private struct Head {
    let dense: SigmoidOutput
    let kernel: UnsafeMutablePointer<Float>
    let bias: UnsafeMutablePointer<Float>
    let kernelGradient: UnsafeMutablePointer<Double>
    let biasGradient: UnsafeMutablePointer<Double>
    /// What its loss is multiplied by.
    let weight: Double

    init(_ name: String, outputs: Int, weight: Double, _ site: LayerSite) {
      dense = SigmoidOutput(
        inputs: site.input.shape.channels, outputs: outputs, maximumBatch: site.maximumBatch, team: site.team)
      kernel = site.tensors.weights("\(name)/kernel")
      bias = site.tensors.weights("\(name)/bias")
      kernelGradient = site.tensors.gradient("\(name)/kernel")
      biasGradient = site.tensors.gradient("\(name)/bias")
      self.weight = weight
    }

    func forward(_ states: UnsafePointer<Float>, _ batch: BatchPass) {
      dense.forward(states, songs: batch.count, kernel: kernel, bias: bias)
    }

    func lossSum(_ labels: [Float], isKnown: [Bool], songs: Int) -> Double {
      labels.withUnsafeBufferPointer { labels in
        labels.baseAddress.map { weight * dense.crossEntropy(labels: $0, songs: songs, isKnown: isKnown) } ?? 0
      }
    }

    /// Scaled so that the gradients of all ranks add up to those of the mean over the global batch and the outputs.
    func backward(
      _ states: UnsafePointer<Float>, _ labels: [Float], isKnown: [Bool], _ batch: BatchPass,
      to stateGradient: UnsafeMutablePointer<Float>
    ) {
      let songs = batch.step?.globalSongs ?? batch.count
      labels.withUnsafeBufferPointer { labels in
        withUnsafePointer(to: Float(0)) { none in
          dense.backward(
            states: states, labels: labels.baseAddress ?? none, songs: batch.count, isKnown: isKnown,
            scale: Float(weight) / Float(songs * dense.outputs), kernel: kernel, kernelGradient: kernelGradient,
            biasGradient: biasGradient, stateGradient: stateGradient)
        }
      }
    }

    func work(_ songs: Int) -> StepProfile.Work {
      let (units, outputs) = (dense.inputs, dense.outputs)
      return StepProfile.Work(
        direct: 2 * songs * units * outputs, executed: 2 * songs * units * padded(outputs),
        bytes: 4 * (units * padded(outputs) + songs * (padded(units) + padded(outputs))))
    }
  }

  init(_ layer: TagsLayer, _ site: LayerSite) {
    source = site.input
    output = Signal(input: layer.output(of: source.shape))
    tags = Head(layer.name, outputs: layer.tags, weight: 1, site)
    auxiliary = layer.auxiliary.map { Head(AuxiliaryHead.layer, outputs: $0.outputs, weight: $0.weight, site) }
    dropped = DroppedStates(inputs: source.shape.channels, maximumBatch: site.maximumBatch, team: site.team)
    let songs = DenseProduct.rowCapacity(site.maximumBatch)
    auxiliaryGradient = AlignedBuffer(count: auxiliary == nil ? 0 : songs * source.channelStride)
    firstDropout = site.firstDropout
    dropoutRate = layer.dropout
    team = site.team
  }

  func forward(_ batch: BatchPass) {
    let dropout = batch.dropout(firstDropout, rate: dropoutRate)
    team.measure("products", work(batch)) {
      dropped.drop(source.values, dropout, songNumbers: batch.songs)
      tags.forward(dropped.values, batch)
      auxiliary?.forward(dropped.values, batch)
    }
  }

  func infer(_ batch: BatchPass) {
    team.measure("products", tags.work(batch.count)) { tags.forward(source.values, batch) }
  }

  func lossSum(_ batch: BatchPass) -> Double {
    tags.lossSum(batch.labels, isKnown: batch.isTagged, songs: batch.count)
      + (auxiliary?.lossSum(batch.auxiliary, isKnown: [], songs: batch.count) ?? 0)
  }

  func probabilities(_ batch: BatchPass) -> [Float] { tags.dense.probabilities(songs: batch.count) }

  func backward(_ batch: BatchPass) {
    team.measure("products", work(batch) + work(batch)) {
      tags.backward(dropped.values, batch.labels, isKnown: batch.isTagged, batch, to: source.gradient)
      auxiliary?.backward(dropped.values, batch.auxiliary, isKnown: [], batch, to: auxiliaryGradient.start)
      dropped.differentiate(
        source.gradient, auxiliary == nil ? nil : UnsafePointer(auxiliaryGradient.start), songs: batch.count)
    }
  }

  private func work(_ batch: BatchPass) -> StepProfile.Work {
    let work = tags.work(batch.count)
    return auxiliary.map { work + $0.work(batch.count) } ?? work
  }
}
