import Kernels

/// A dense layer from one vector a song to another, batch norm over the songs, the exponential linear unit and dropout. It
/// has no bias, which batch norm would take away.
package struct NormalizedDenseLayer: Layer {
  /// From 1.
  let number: Int
  let units: Int
  /// Share of the values dropped in training.
  let dropout: Double

  package init(number: Int, units: Int, dropout: Double) {
    (self.number, self.units, self.dropout) = (number, units, dropout)
  }

  package var name: String { "dense_\(number)" }
  var normalization: String { "dense_normalization_\(number)" }

  package var dropouts: Int { 1 }

  package func output(of input: SignalShape) -> SignalShape { SignalShape(columns: nil, channels: units) }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration("\(name)/kernel", [input.channels, units], initialValue: .glorotUniform, decays: true),
      TensorDeclaration("\(normalization)/gamma", [units], initialValue: .ones),
      TensorDeclaration("\(normalization)/beta", [units]),
    ]
  }

  package func statisticTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration("\(normalization)/moving_mean", [units]),
      TensorDeclaration("\(normalization)/moving_variance", [units], initialValue: .ones),
    ]
  }

  package var operations: [LayerOperation]? {
    [
      .product(name, units: units), .normalization(normalization, .channels), .exponentialLinearUnit,
      .dropout(dropout),
    ]
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [
      SummaryRow(name, "dense", [units]), SummaryRow(normalization, "batch normalization", [units]),
      SummaryRow("dense_activation_\(number)", "ELU", [units]),
      SummaryRow("dense_dropout_\(number)", "dropout \(dropout)", [units]),
    ]
  }

  package func makePass(at site: LayerSite) -> any LayerPass { NormalizedDensePass(self, site) }
}

private final class NormalizedDensePass: LayerPass {
  let output: Signal
  private let source: Signal
  private let product: DenseProduct
  private let normalization: VectorNormalization
  private let team: ThreadTeam
  private let kernel: UnsafeMutablePointer<Float>
  private let kernelGradient: UnsafeMutablePointer<Double>
  /// The product, then the gradient for it: `[song][unit, padded]`.
  private let raw: AlignedBuffer
  /// Behind the unit, before dropout.
  private let activated: AlignedBuffer
  private let factors: AlignedBuffer
  private let firstDropout: Int
  private let dropoutRate: Double

  init(_ layer: NormalizedDenseLayer, _ site: LayerSite) {
    source = site.input
    team = site.team
    output = Signal(layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: 0)
    product = DenseProduct(inputs: source.shape.channels, outputs: layer.units, team: site.team)
    normalization = VectorNormalization(layer.normalization, channels: layer.units, site.tensors)
    kernel = site.tensors.weights("\(layer.name)/kernel")
    kernelGradient = site.tensors.gradient("\(layer.name)/kernel")
    let count = DenseProduct.rowCapacity(site.maximumBatch) * output.channelStride
    raw = AlignedBuffer(count: count)
    activated = AlignedBuffer(count: count)
    factors = AlignedBuffer(count: output.channelStride)
    firstDropout = site.firstDropout
    dropoutRate = layer.dropout
  }

  private var stride: Int { output.channelStride }

  func forward(_ batch: BatchPass) throws {
    multiply(batch)
    try normalization.useBatch(raw.start, songs: batch.count, batch.statistics)
    activate(batch)
  }

  func infer(_ batch: BatchPass) {
    multiply(batch)
    normalization.useMoving()
    activate(batch)
  }

  private func multiply(_ batch: BatchPass) {
    team.measure("products", work(batch)) {
      product.forward(source.values, songs: batch.count, kernel: kernel, to: raw.start)
    }
  }

  private func activate(_ batch: BatchPass) {
    let dropout = batch.dropout(firstDropout, rate: dropoutRate)
    team.measure("batch norm, ELU, dropout", StepProfile.Work(bytes: 12 * batch.count * stride)) {
      for song in 0..<batch.count {
        let row = song * stride
        if let dropout {
          dropout.write(song: batch.songs[song], count: stride, to: factors.start)
        } else {
          factors.start.update(repeating: 1, count: stride)
        }
        for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
          let value = normalization.normalized(Vector.load(raw.start + row + vector), vector).exponentialLinear
          value.store(activated.start + row + vector)
          (value * Vector.load(factors.start + vector)).store(output.values + row + vector)
        }
      }
    }
  }

  func backward(_ batch: BatchPass) throws {
    let dropout = batch.dropout(firstDropout, rate: dropoutRate)
    team.measure("batch norm, ELU, dropout", StepProfile.Work(bytes: 12 * batch.count * stride)) {
      for song in 0..<batch.count {
        let gradient = output.gradient + song * stride
        if let dropout {
          dropout.write(song: batch.songs[song], count: stride, to: factors.start)
          for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
            (Vector.load(gradient + vector) * Vector.load(factors.start + vector)).store(gradient + vector)
          }
        }
        // The unit's derivative is 1 above zero and e^z = elu(z) + 1 below.
        for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
          let value = Vector.load(activated.start + song * stride + vector)
          (Vector.load(gradient + vector) * (1 + value.smaller(.zero))).store(gradient + vector)
        }
      }
    }
    try normalization.differentiate(
      output.gradient, raw: raw.start, songs: batch.count, batch.statistics)
    team.measure("products", source.isLearnt ? work(batch) + work(batch) : work(batch)) {
      product.sumGradient(source.values, raw.start, songs: batch.count, to: kernelGradient)
      if source.isLearnt { product.propagate(raw.start, songs: batch.count, kernel: kernel, to: source.gradient) }
    }
  }

  private func work(_ batch: BatchPass) -> StepProfile.Work {
    let (inputs, units) = (source.shape.channels, output.shape.channels)
    return StepProfile.Work(
      direct: 2 * batch.count * inputs * units, executed: 2 * batch.count * inputs * stride,
      bytes: 4 * (inputs * stride + batch.count * (source.channelStride + stride)))
  }
}
