import Kernels

/// What the convolution blocks of a network have in common: 3×3 same convolution → batch norm → ELU → max pooling →
/// dropout, as one layer.
package struct ConvolutionDescription: Sendable {
  /// From 1; names the block's tensors: `convolution_1`, `normalization_1`.
  package var number: Int
  package var filters: Int
  package var pooling: PoolingSize
  /// Share of the values dropped after the pooling in training.
  package var dropout: Double

  package init(number: Int, filters: Int, pooling: PoolingSize, dropout: Double) {
    (self.number, self.filters, self.pooling, self.dropout) = (number, filters, pooling, dropout)
  }

  var convolution: String { "convolution_\(number)" }
  var normalization: String { "normalization_\(number)" }

  func output(of input: SignalShape) -> SignalShape {
    SignalShape(
      rows: input.rows / pooling.frequency, columns: input.columns.map(columns(of:)), channels: filters)
  }

  func columns(of columns: Int) -> Int { columns / pooling.time }

  func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    [
      TensorDeclaration(
        "\(convolution)/kernel", [3, 3, input.channels, filters], initialValue: .glorotUniform, decays: true),
      TensorDeclaration("\(convolution)/bias", [filters]),
      TensorDeclaration("\(normalization)/gamma", [filters], initialValue: .ones),
      TensorDeclaration("\(normalization)/beta", [filters]),
    ]
  }

  var statisticTensors: [TensorDeclaration] {
    [
      TensorDeclaration("\(normalization)/moving_mean", [filters]),
      TensorDeclaration("\(normalization)/moving_variance", [filters], initialValue: .ones),
    ]
  }

  var operations: [LayerOperation] {
    [
      .convolution(convolution, filters: filters), .normalization(normalization, .channels),
      .exponentialLinearUnit, .maxPooling(pooling), .dropout(dropout),
    ]
  }

  func summary(of input: SignalShape) -> [SummaryRow] {
    let full = SignalShape(rows: input.rows, columns: input.columns, channels: filters).mapAxes
    let pooled = output(of: input).mapAxes
    return [
      SummaryRow(convolution, "convolution 3×3", full),
      SummaryRow(normalization, "batch normalization", full),
      SummaryRow("activation_\(number)", "ELU", full),
      SummaryRow("pooling_\(number)", "max pooling \(pooling.frequency)×\(pooling.time)", pooled),
      SummaryRow("dropout_\(number)", "dropout \(dropout)", pooled),
    ]
  }
}

/// A convolution block of a map of many channels.
package struct HiddenConvolutionLayer: Layer {
  let block: ConvolutionDescription
  /// Makes the convolution: Winograd's, but for tests.
  let convolution: ConvolutionMaker

  package init(_ block: ConvolutionDescription, convolution: @escaping ConvolutionMaker = winogradConvolution) {
    self.block = block
    self.convolution = convolution
  }

  package var name: String { block.convolution }
  package var dropouts: Int { 1 }
  package func output(of input: SignalShape) -> SignalShape { block.output(of: input) }
  package func columns(of columns: Int) -> Int { block.columns(of: columns) }
  package func fewestColumns(for columns: Int) -> Int { columns * block.pooling.time }
  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    block.trainableTensors(of: input)
  }
  package func statisticTensors(of input: SignalShape) -> [TensorDeclaration] { block.statisticTensors }
  package var operations: [LayerOperation]? { block.operations }
  package func summary(of input: SignalShape) -> [SummaryRow] { block.summary(of: input) }
  package func makePass(at site: LayerSite) -> any LayerPass {
    HiddenConvolutionBlock(block, site, convolution: convolution)
  }
}

/// A convolution block of the network's input, which few channels come with, and the batch norm before it over each
/// row, or each column, of each channel.
package struct InputConvolutionLayer: Layer {
  let block: ConvolutionDescription
  /// Columns of every song where the batch norm is over each of them; nil where it is over each row.
  let normalizedColumns: Int?

  package init(_ block: ConvolutionDescription, normalizedColumns: Int? = nil) {
    self.block = block
    self.normalizedColumns = normalizedColumns
  }

  static let normalization = "input_normalization"

  package var name: String { block.convolution }
  package var dropouts: Int { 1 }
  package func output(of input: SignalShape) -> SignalShape { block.output(of: input) }
  package func columns(of columns: Int) -> Int { block.columns(of: columns) }
  package func fewestColumns(for columns: Int) -> Int {
    max(columns * block.pooling.time, normalizedColumns ?? 0)
  }

  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] {
    let shape = normalizationShape(of: input)
    return [
      TensorDeclaration("\(Self.normalization)/gamma", shape, initialValue: .ones),
      TensorDeclaration("\(Self.normalization)/beta", shape),
    ] + block.trainableTensors(of: input)
  }

  package func statisticTensors(of input: SignalShape) -> [TensorDeclaration] {
    let shape = normalizationShape(of: input)
    return [
      TensorDeclaration("\(Self.normalization)/moving_mean", shape),
      TensorDeclaration("\(Self.normalization)/moving_variance", shape, initialValue: .ones),
    ] + block.statisticTensors
  }

  package var operations: [LayerOperation]? {
    [.normalization(Self.normalization, normalizedColumns.map { .inputColumns($0) } ?? .inputRows)]
      + block.operations
  }

  package func summary(of input: SignalShape) -> [SummaryRow] {
    let axis = normalizedColumns == nil ? "frequency" : "time"
    return [SummaryRow(Self.normalization, "batch normalization over \(axis)", input.mapAxes)]
      + block.summary(of: input)
  }

  package func makePass(at site: LayerSite) -> any LayerPass {
    InputConvolutionBlock(block, site, normalizesTime: normalizedColumns != nil)
  }

  /// A value for each row, or column; of several channels, for each one of each.
  private func normalizationShape(of input: SignalShape) -> [Int] {
    let count = normalizedColumns == nil ? input.rows : input.columns ?? 1
    return input.channels == 1 ? [count] : [input.channels, count]
  }
}
