import Kernels

/// A stage of a network before any memory is taken: what it makes of an input, its tensors with their initial values,
/// and what a summary says of it. A network is a list of layers; arenas, initial weights, summary and passes follow
/// from the list.
///
/// A layer may be several of a textbook's in one, where fusing their passes saves memory or time: it then has a row of
/// the summary for each.
package protocol Layer: Sendable {
  /// Names the time of its passes in a profile.
  var name: String { get }
  /// What it makes of an input of a shape.
  func output(of input: SignalShape) -> SignalShape
  /// Columns that it makes of a song with so many.
  func columns(of columns: Int) -> Int
  /// The most columns that it makes of so many songs with so many columns together.
  func mostColumns(of columns: Int, songs: Int) -> Int
  /// The fewest columns of a song that give at least so many.
  func fewestColumns(for columns: Int) -> Int
  /// Tensors that the optimiser changes.
  func trainableTensors(of input: SignalShape) -> [TensorDeclaration]
  /// Moving means and variances.
  func statisticTensors(of input: SignalShape) -> [TensorDeclaration]
  /// The summary's rows; the parameters of a row are the tensors whose names begin with its name.
  func summary(of input: SignalShape) -> [SummaryRow]
  /// What it computes in inference, as other tools have it; nil where they have no such thing.
  var operations: [LayerOperation]? { get }
  /// How often dropout is applied in it; applications are numbered through the network.
  var dropouts: Int { get }
  /// Takes the memory for a replica's passes.
  func makePass(at site: LayerSite) -> any LayerPass
}

extension Layer {
  package func columns(of columns: Int) -> Int { columns }
  package func mostColumns(of columns: Int, songs: Int) -> Int { self.columns(of: columns) }
  package func fewestColumns(for columns: Int) -> Int { columns }
  package func trainableTensors(of input: SignalShape) -> [TensorDeclaration] { [] }
  package func statisticTensors(of input: SignalShape) -> [TensorDeclaration] { [] }
  package var operations: [LayerOperation]? { nil }
  package var dropouts: Int { 0 }
}

/// The last layer, which judges: its output is held against the songs' tags.
package protocol OutputLayer: Layer {
  func makeOutputPass(at site: LayerSite) -> any OutputPass
}

extension OutputLayer {
  package func makePass(at site: LayerSite) -> any LayerPass { makeOutputPass(at: site) }
}

/// A row of a network's summary, without its parameters, which follow from the tensors.
package struct SummaryRow: Sendable {
  package var name: String
  package var kind: String
  /// Of its output, without the batch.
  package var axes: [Int]

  package init(_ name: String, _ kind: String, _ axes: [Int]) {
    (self.name, self.kind, self.axes) = (name, kind, axes)
  }
}

/// Where a layer's passes work: what stands around them in a replica.
package struct LayerSite {
  /// Its place in the list, which finds its songs' spans.
  package let index: Int
  /// What the layer below leaves.
  package let input: Signal
  package let tensors: LayerTensors
  /// The most songs of a batch.
  package let maximumBatch: Int
  /// The most columns of the input that they have together.
  package let maximumColumns: Int
  /// The number of its first dropout.
  package let firstDropout: Int
  package let team: ThreadTeam
}

/// A replica's arenas, where a layer finds its tensors by name.
package struct LayerTensors {
  package let parameters: ParameterArena
  package let gradients: GradientArena
  package let movingStatistics: ParameterArena
  package let batchStatistics: ParameterArena

  package init(
    parameters: ParameterArena, gradients: GradientArena, movingStatistics: ParameterArena,
    batchStatistics: ParameterArena
  ) {
    self.parameters = parameters
    self.gradients = gradients
    self.movingStatistics = movingStatistics
    self.batchStatistics = batchStatistics
  }

  package func weights(_ name: String) -> UnsafeMutablePointer<Float> { parameters.start(of: name) }
  package func gradient(_ name: String) -> UnsafeMutablePointer<Double> { gradients.start(of: name) }
  package func moving(_ name: String) -> UnsafeMutablePointer<Float> { movingStatistics.start(of: name) }
  package func batch(_ name: String) -> UnsafeMutablePointer<Float> { batchStatistics.start(of: name) }
}
