import Diagnosis
import Kernels

/// A network as the list of its layers, the last of which judges. Everything a replica needs to know follows from it.
public struct Network: Sendable {
  /// `[row, segment, channel]` of a song; segments of the longest.
  public let input: SignalShape
  package let layers: [any Layer]
  /// What the list was made from; nil for one that was put together by hand.
  public let architecture: Architecture?

  package init(
    input: SignalShape, _ layers: [any Layer], _ output: any OutputLayer, architecture: Architecture? = nil
  ) {
    self.input = input
    self.layers = layers + [output]
    self.architecture = architecture
  }

  /// The inputs of all layers, in order, and what the last one gives.
  package var shapes: [SignalShape] {
    layers.reduce(into: [input]) { shapes, layer in shapes.append(layer.output(of: shapes.last!)) }
  }

  /// Segments of the longest song.
  public var segments: Int { input.columns ?? 1 }
  /// Values of a segment.
  public var segmentWidth: Int { input.rows * input.channels }
  /// What is known of a whole song, beside its segments, in numbers.
  public var songValues: Int { architecture?.song?.values ?? 0 }
  /// Auxiliary targets of each song.
  public var auxiliary: Int { architecture?.auxiliary?.outputs ?? 0 }
  /// What the last layer sees of each song.
  public var embeddingWidth: Int { shapes[shapes.count - 2].channels }
  /// Outputs for each song.
  public var tags: Int { shapes.last!.channels }
  /// What the names of the last layer's tensors begin with.
  public var outputLayer: String { layers.last!.name }
  /// The fewest segments that leave something to every layer.
  public var shortestSong: Int { layers.reversed().reduce(1) { $1.fewestColumns(for: $0) } }

  /// Tensors that the optimiser changes, in the order of the layers.
  public var trainableTensors: [TensorDeclaration] {
    zip(layers, shapes).flatMap { $0.trainableTensors(of: $1) }
  }

  /// Moving means and variances of the batch normalisations.
  public var statisticTensors: [TensorDeclaration] {
    zip(layers, shapes).flatMap { $0.statisticTensors(of: $1) }
  }

  /// Takes the memory of the passes of layers in a row.
  package static func makePasses(
    of layers: [any Layer], on input: Signal, _ tensors: LayerTensors, maximumBatch: Int, maximumSegments: Int,
    team: ThreadTeam
  ) -> [any LayerPass] {
    var (signal, columns, dropouts) = (input, maximumSegments, 0)
    return layers.enumerated().map { index, layer in
      let pass = layer.makePass(
        at: LayerSite(
          index: index, input: signal, tensors: tensors, maximumBatch: maximumBatch, maximumColumns: columns,
          firstDropout: dropouts, team: team))
      (signal, columns) = (pass.output, layer.mostColumns(of: columns, songs: maximumBatch))
      dropouts += layer.dropouts
      return pass
    }
  }

  public var trainableParameters: Int { trainableTensors.reduce(0) { $0 + $1.count } }
  public var nonTrainableParameters: Int { statisticTensors.reduce(0) { $0 + $1.count } }

  /// Every layer in order with its output shape and its parameters.
  ///
  ///     for layer in try architecture.network().summary { print(layer.name, layer.trainable) }
  public var summary: [LayerSummary] {
    let rows =
      [SummaryRow("input", "input", input.mapAxes)] + zip(layers, shapes).flatMap { $0.summary(of: $1) }
    func count(_ tensors: [TensorDeclaration], of row: SummaryRow) -> Int {
      tensors.reduce(0) { $0 + ($1.name.hasPrefix(row.name + "/") ? $1.count : 0) }
    }
    return rows.map { row in
      LayerSummary(
        name: row.name, kind: row.kind, outputShape: row.axes, trainable: count(trainableTensors, of: row),
        nonTrainable: count(statisticTensors, of: row))
    }
  }
}

extension Network {
  /// Which values of the gradients' arena belong to which layer.
  public var gradientLayout: GradientLayout {
    var layers: [Range<Int>] = []
    var start = 0
    for (layer, shape) in zip(self.layers, shapes) {
      let count = layer.trainableTensors(of: shape).reduce(0) {
        $0 + TensorPlacement(declaration: $1, offset: 0).paddedCount
      }
      layers.append(start..<start + count)
      start += count
    }
    return GradientLayout(layers: layers)
  }
}

/// One line of a network's summary: what `inspect` prints.
public struct LayerSummary: Equatable, Sendable, Codable {
  public var name: String
  public var kind: String
  /// Without the batch: `[frequency, time, channel]`, `[time, unit]`, `[unit]`.
  public var outputShape: [Int]
  public var trainable: Int
  public var nonTrainable: Int

  enum CodingKeys: String, CodingKey {
    case name, kind, trainable
    case outputShape = "output_shape"
    case nonTrainable = "non_trainable"
  }
}
