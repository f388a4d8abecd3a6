import Checkpointing
import Diagnosis
import Networks
import Segments
import Training

/// A trained network as other tools can take it: operations, weights and what their inputs and outputs mean.
///
///     let model = try PortableModel(StoredModel.read("best.h5"))
///     let bytes = try ONNXFile(model, foldsBatchNorm: true).bytes()
public struct PortableModel: Sendable {
  /// Values that the network sees of each segment, or of the whole song: an input of the exported network.
  public struct Input: Sendable, Equatable {
    /// A feature of segments, `spectrogram`, or `song`.
    public var name: String
    /// Values at a segment, or of a song; nil: the rows of the network's map.
    public var width: Int?
    /// Whether it is of whole songs: one vector each.
    public var isOfSong: Bool
    /// What is subtracted from each value, and what it is then divided by; nil where values are taken as they are.
    public var standardization: Standardization?

    public init(
      name: String, width: Int? = nil, isOfSong: Bool = false, standardization: Standardization? = nil
    ) {
      (self.name, self.width, self.isOfSong, self.standardization) = (name, width, isOfSong, standardization)
    }

    var isSpectrogram: Bool { name == Feature.spectrogram.rawValue }
  }

  package let operations: [LayerOperation]
  public let inputs: [Input]
  /// Rows of the network's map, and values at each of them.
  public let rows: Int
  public let channels: Int
  /// Segments of a song in training; of the longest, where songs differ.
  public let segments: Int
  /// The fewest that leave something to every layer.
  public let shortestSong: Int
  /// In the order of the outputs.
  public let tags: [String]
  /// From which probability on a song is best said to have each; nil where the checkpoint does not know.
  public let thresholds: [Float]?
  public let trainableParameters: Int
  public let provenance: Provenance
  /// Names and shapes in the order of the layers.
  public let declarations: [TensorDeclaration]
  private let values: [String: [Float]]

  /// - Parameters:
  ///   - thresholds: one for each tag.
  ///   - tensor: the values of a tensor in the order of its shape.
  /// - Throws: `usage` for a network with a layer that other tools do not have; what `tensor` throws.
  package init(
    _ network: Network, inputs: [Input], tags: [String], thresholds: [Float]? = nil,
    provenance: Provenance = Provenance(),
    tensor: (TensorDeclaration, _ isStatistic: Bool) throws -> [Float]
  ) throws {
    operations = try network.operations.flatMap { layer, operations in
      guard let operations else {
        throw Failure(.usage, "the layer \(layer) cannot be exported: other tools have nothing like it")
      }
      return operations
    }
    self.inputs = inputs
    self.tags = tags
    self.thresholds = thresholds
    self.provenance = provenance
    (rows, channels) = (network.input.rows, network.input.channels)
    segments = network.segments
    shortestSong = network.shortestSong
    trainableParameters = network.trainableParameters
    declarations = network.trainableTensors + network.statisticTensors
    var values: [String: [Float]] = [:]
    for declaration in network.trainableTensors { values[declaration.name] = try tensor(declaration, false) }
    for declaration in network.statisticTensors { values[declaration.name] = try tensor(declaration, true) }
    self.values = values
    let (ofSegments, ofSongs) = (inputs.filter { !$0.isOfSong }, inputs.filter(\.isOfSong))
    let widths = [ofSegments, ofSongs].map { $0.reduce(0) { $0 + width(of: $1) } }
    guard widths == [network.segmentWidth, network.songValues], network.tags == tags.count else {
      throw Failure(
        .fault,
        "inputs of \(widths) values and \(tags.count) tags for a network of \(network.segmentWidth), "
          + "\(network.songValues) and \(network.tags)"
      )
    }
  }

  /// Values of an input at a segment, or of a song.
  func width(of input: Input) -> Int { input.width ?? rows }

  /// The segments of every song, where the network takes no others.
  var fixedSegments: Int? {
    let isFixed = operations.contains { if case .normalization(_, .inputColumns) = $0 { true } else { false } }
    return isFixed ? segments : nil
  }

  /// A tensor's values, row-major.
  /// - Parameter shape: what the operation takes it for; a layer may keep it in another of as many values, which lie in
  ///   the same order.
  func tensor(_ name: String, _ shape: [Int]) throws -> [Float] {
    guard let values = values[name], values.count == shape.reduce(1, *) else {
      throw Failure(
        .usage,
        "the tensor \(name) cannot be exported: found \(values[name]?.count ?? 0) values, expected \(shape)")
    }
    return values
  }
}

/// Where a model comes from, as exported files say it; empty texts where nothing is known.
public struct Provenance: Sendable, Equatable {
  /// Texts by name, sorted by it, such as `data_identity`.
  public var texts: [(name: String, text: String)] = []
  /// Metrics of its last epoch by name, such as `val_auc_macro`.
  public var metrics: [String: Double] = [:]
  public var songs = SongWindow()

  /// Which segments of a song the network is for.
  public struct SongWindow: Sendable, Equatable {
    /// A number, or `all`.
    public var segments = SegmentChoice.all
    public var crop = Crop.first
    /// Whole songs are cut after so many.
    public var longest: Int?

    public init() {}
  }

  public init() {}

  public static func == (first: Provenance, second: Provenance) -> Bool {
    first.metrics == second.metrics && first.songs == second.songs
      && first.texts.elementsEqual(second.texts) { $0 == $1 }
  }
}
