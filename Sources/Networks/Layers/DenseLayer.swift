import Kernels

/// A dense layer with the exponential linear unit, from one vector a song to another: elu(x·K + b).
package struct DenseLayer: Layer {
  package let name: String
  let units: Int

  package init(_ name: String, units: Int) { (self.name, self.units) = (name, units) }

  package func output(of input: SignalShape) -> SignalShape { SignalShape(columns: nil, channels: units) }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration("\(name)/kernel", [input.channels, units], initialValue: .glorotUniform, decays: true),
      TensorDeclaration("\(name)/bias", [units]),
    ]
  }

  package var operations: [LayerOperation]? { [.dense(name, units: units, .exponentialLinear)] }

  package func summary(of input: SignalShape) -> [SummaryRow] { [SummaryRow(name, "dense, ELU", [units])] }

  package func makePass(at site: LayerSite) -> any LayerPass { DensePass(self, site) }
}

private final class DensePass: LayerPass {
  let output: Signal
  private let source: Signal
  private let team: ThreadTeam
  private let kernel: UnsafeMutablePointer<Float>
  private let bias: UnsafeMutablePointer<Float>
  private let kernelGradient: UnsafeMutablePointer<Double>
  private let biasGradient: UnsafeMutablePointer<Double>

  init(_ layer: DenseLayer, _ site: LayerSite) {
    source = site.input
    team = site.team
    output = Signal(layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: 0)
    kernel = site.tensors.weights("\(layer.name)/kernel")
    bias = site.tensors.weights("\(layer.name)/bias")
    kernelGradient = site.tensors.gradient("\(layer.name)/kernel")
    biasGradient = site.tensors.gradient("\(layer.name)/bias")
  }

  func forward(_ batch: BatchPass) {
    let (inputs, stride) = (source.shape.channels, output.channelStride)
    team.measure("products", work(batch)) {
      team.forEach(batch.count) { song in
        let x = self.source.values + song * self.source.channelStride
        for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
          var sum = Vector.load(self.bias + vector)
          for i in 0..<inputs { sum = sum.addingProduct(Vector.load(self.kernel + i * stride + vector), x[i]) }
          sum.exponentialLinear.store(self.output.values + song * stride + vector)
        }
      }
    }
  }

  func infer(_ batch: BatchPass) { forward(batch) }

  /// Each song's part is taken in single precision and added in double precision, in the order of the songs: see
  /// `GradientSum`.
  func backward(_ batch: BatchPass) {
    let (inputs, stride) = (source.shape.channels, output.channelStride)
    team.measure("products", work(batch) + work(batch)) {
      team.forEach(batch.count) { self.differentiate(song: $0) }
      team.forEach(stride / vectorWidth) { task in
        let vector = task * vectorWidth
        (self.biasGradient + vector).update(repeating: 0, count: vectorWidth)
        for i in 0..<inputs {
          (self.kernelGradient + i * stride + vector).update(repeating: 0, count: vectorWidth)
        }
        for song in 0..<batch.count {
          let gradient = Vector.load(self.output.gradient + song * stride + vector)
          gradient.add(to: self.biasGradient + vector)
          for i in 0..<inputs {
            (gradient * self.source.values[song * self.source.channelStride + i])
              .add(to: self.kernelGradient + i * stride + vector)
          }
        }
      }
    }
  }

  /// Turns a song's gradient into that for what the unit was applied to, then into that for the input. The unit's
  /// derivative is 1 above zero and e^z = elu(z) + 1 below.
  private func differentiate(song: Int) {
    let stride = output.channelStride
    let gradient = output.gradient + song * stride
    let value = output.values + song * stride
    for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
      (Vector.load(gradient + vector) * (1 + Vector.load(value + vector).smaller(.zero))).store(gradient + vector)
    }
    for i in 0..<source.shape.channels {
      var sum = Vector.zero
      for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
        sum = sum.addingProduct(Vector.load(gradient + vector), Vector.load(kernel + i * stride + vector))
      }
      source.gradient[song * source.channelStride + i] = sum.sum()
    }
  }

  private func work(_ batch: BatchPass) -> StepProfile.Work {
    let (inputs, units) = (source.shape.channels, output.shape.channels)
    return StepProfile.Work(
      direct: 2 * batch.count * inputs * units, executed: 2 * batch.count * inputs * output.channelStride,
      bytes: 4 * (inputs * output.channelStride + batch.count * (source.channelStride + output.channelStride)))
  }
}
