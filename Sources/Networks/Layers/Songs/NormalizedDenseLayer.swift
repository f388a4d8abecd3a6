import Kernels

/// A dense layer from one vector a song to another, batch norm over the songs, an activation and dropout. It has no bias,
/// which batch norm would take away.
package struct NormalizedDenseLayer: Layer {
  /// From 1.
  let number: Int
  let units: Int
  let activation: UnitActivation
  /// Share of the values dropped in training.
  let dropout: Double

  package init(number: Int, units: Int, activation: UnitActivation = .elu, dropout: Double) {
    (self.number, self.units, self.activation, self.dropout) = (number, units, activation, dropout)
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
      .product(name, units: units), .normalization(normalization, .channels),
      activation == .relu ? .rectifiedLinearUnit : .exponentialLinearUnit, .dropout(dropout),
    ]
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    [
      SummaryRow(name, "dense", [units]), SummaryRow(normalization, "batch normalization", [units]),
      SummaryRow("dense_activation_\(number)", activation.title, [units]),
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
  /// The derivative of the unit and dropout together, `[song][unit, padded]`.
  private let slopes: AlignedBuffer
  private let firstDropout: Int
  private let dropoutRate: Double
  private let isRectified: Bool
  private let phase: String

  init(_ layer: NormalizedDenseLayer, _ site: LayerSite) {
    source = site.input
    team = site.team
    output = Signal(layer.output(of: source.shape), maximumBatch: site.maximumBatch, maximumColumns: 0)
    product = DenseProduct(inputs: source.shape.channels, outputs: layer.units, team: site.team)
    normalization = VectorNormalization(layer.normalization, channels: layer.units, site.tensors, site.team)
    kernel = site.tensors.weights("\(layer.name)/kernel")
    kernelGradient = site.tensors.gradient("\(layer.name)/kernel")
    let count = DenseProduct.rowCapacity(site.maximumBatch) * output.channelStride
    raw = AlignedBuffer(count: count)
    slopes = AlignedBuffer(count: count)
    firstDropout = site.firstDropout
    dropoutRate = layer.dropout
    isRectified = layer.activation == .relu
    phase = "batch norm, \(layer.activation.title), dropout"
  }

  private var stride: Int { output.channelStride }

  func forward(_ batch: BatchPass) throws {
    let values = raw.start
    multiply(batch) { self.normalization.sum(values, songs: batch.count, first: $0) }
    try normalization.useBatch(songs: batch.count, batch.statistics)
    activate(batch)
  }

  func infer(_ batch: BatchPass) {
    multiply(batch) { _ in }
    normalization.useMoving()
    activate(batch)
  }

  private func multiply(_ batch: BatchPass, finish: (_ unit: Int) -> Void) {
    team.measure("products", work(batch)) {
      product.forward(source.values, songs: batch.count, kernel: kernel, to: raw.start, finish: finish)
    }
  }

  private func activate(_ batch: BatchPass) {
    let dropout = batch.dropout(firstDropout, rate: dropoutRate)
    team.measure(phase, StepProfile.Work(bytes: 12 * batch.count * stride)) {
      team.forEach(batch.count) { song in
        let row = song * self.stride
        dropout?.write(song: batch.songs[song], count: self.stride, to: self.slopes.start + row)
        if self.isRectified {
          self.rectify(row, isDropped: dropout != nil)
        } else {
          self.bend(row, isDropped: dropout != nil)
        }
      }
    }
  }

  /// The exponential linear unit of a song, in whose slopes its dropout stands; its derivative is 1 above zero and
  /// e^z = elu(z) + 1 below.
  private func bend(_ row: Int, isDropped: Bool) {
    let slopes = slopes.start + row
    for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
      let factor = isDropped ? Vector.load(slopes + vector) : Vector(repeating: 1)
      let value = normalization.normalized(Vector.load(raw.start + row + vector), vector).exponentialLinear
      (value * factor).store(output.values + row + vector)
      ((1 + value.smaller(.zero)) * factor).store(slopes + vector)
    }
  }

  /// The rectified linear unit, likewise; its derivative is 1 above zero, and 0 below and there.
  private func rectify(_ row: Int, isDropped: Bool) {
    let slopes = slopes.start + row
    for vector in Swift.stride(from: 0, to: stride, by: vectorWidth) {
      let factor = isDropped ? Vector.load(slopes + vector) : Vector(repeating: 1)
      let value = normalization.normalized(Vector.load(raw.start + row + vector), vector)
      let slope = Vector.zero.replacing(with: factor, where: value .> 0)
      (value * slope).store(output.values + row + vector)
      slope.store(slopes + vector)
    }
  }

  func backward(_ batch: BatchPass) throws {
    try team.measure(phase, StepProfile.Work(bytes: 20 * batch.count * stride)) {
      try normalization.differentiate(
        output.gradient, slopes: slopes.start, raw: raw.start, songs: batch.count, batch.statistics)
    }
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
