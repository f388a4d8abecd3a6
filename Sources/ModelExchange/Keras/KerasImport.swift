import Checkpointing
import Diagnosis
import Networks
import Segments
import Tags
import Training

/// A checkpoint made of weights from Keras, for the network that a configuration describes: `predict`, `evaluate` and
/// `train --from` take it like any other. It has no optimiser state, and knows no songs.
public struct KerasImport {
  private let weights: KerasWeights
  private let configuration: RunConfiguration
  private let architecture: Architecture
  private let network: Network
  private let tags: [String]

  /// - Parameter configuration: its model, features, segments and tags say what the network is. Tags that are counted, or
  ///   not said, are those that the weights' file describes.
  /// - Throws: as `KerasWeights`; `usage` where the tags are not known, `badData` where the file describes others.
  public init(_ weights: KerasWeights, _ configuration: RunConfiguration) throws {
    self.weights = weights
    let configuration = configuration.withoutSongs
    try configuration.validateSegments()
    tags = try Self.tags(weights, configuration)
    architecture = try configuration.architecture(
      segments: configuration.segments?.count ?? weights.description?.segments ?? RunConfiguration.defaultSegments,
      tags: tags.count)
    network = try architecture.network()
    self.configuration = configuration
  }

  private static func tags(_ weights: KerasWeights, _ configuration: RunConfiguration) throws -> [String] {
    let described = try weights.description.map { try Vocabulary($0.tags, source: weights.path).names }
    let named: [String]
    switch try configuration.tags.map(VocabularyRule.init) {
    case nil: return described ?? Vocabulary.paper.names
    case .top(let count):
      guard let described else {
        throw Failure(
          .usage, "the tags of the weights are not known: --tags top:\(count) are counted on songs",
          remedy: "write the tags into a file, one a line in the order of the outputs, and name it with --tags")
      }
      guard described.count == count else {
        throw Failure(
          .badData, "\(weights.path): describes \(described.count) tags, the configuration asks for top:\(count)")
      }
      return described
    case .paper: named = Vocabulary.paper.names
    case .list(let path): named = try Vocabulary(listAt: path).names
    }
    if let described, described != named {
      throw Failure(
        .badData,
        "\(weights.path): describes \(described.count) tags that are not the \(named.count) of the configuration",
        remedy: "leave out the configuration's tags, or name the list of these")
    }
    return named
  }

  /// - Throws: `badData` where a weight is missing, of another shape, or no number.
  public func checkpoint() throws -> Checkpoint {
    let features = configuration.features?.features ?? []
    let operations = network.operations.flatMap { $0.operations ?? [] }
    let declarations = network.trainableTensors + network.statisticTensors
    let layout = try KerasLayout(
      operations, declarations, inputs: features.map(\.rawValue), rows: network.input.rows,
      scaled: features.indices.filter { features[$0] == .timbre })
    var checkpoint = Checkpoint()
    try StoredModel.describe(architecture, tags: tags, in: &checkpoint)
    checkpoint.describeUntrained(configuration)
    let shapes = Dictionary(uniqueKeysWithValues: declarations.map { ($0.name, $0.shape) })
    let statistics = Set(network.statisticTensors.map(\.name))
    var scale = Standardization(mean: [], deviation: [])
    for place in layout.places {
      switch place.content {
      case .tensor(let name):
        let values = try weights.values(at: place, name)
        if name.hasSuffix("/moving_variance") { try refuseNegative(values, place, name) }
        let group = statistics.contains(name) ? StoredModel.Group.movingStatistics : StoredModel.Group.weights
        checkpoint.arrays[group + "/" + name] = Checkpoint.FloatArray(shape: shapes[name]!, values: values)
      case .mean: scale.mean = try weights.values(at: place, "mean of timbre")
      case .variance:
        let values = try weights.values(at: place, "variance of timbre")
        try refuseNegative(values, place, "variance of timbre")
        scale.deviation = values.map { $0.squareRoot() }
      }
    }
    if features.contains(.timbre) {
      guard scale.isSound(width: Feature.rows) else {
        throw Failure(.badData, "\(weights.path): its timbre cannot be scaled: a variance is 0, expected above 0")
      }
      checkpoint.store(scale, of: Feature.timbre.rawValue)
    }
    return checkpoint
  }

  private func refuseNegative(_ values: [Float], _ place: KerasLayout.Place, _ name: String) throws {
    guard let wrong = values.firstIndex(where: { $0 < 0 }) else { return }
    throw Failure(
      .badData,
      "\(weights.path): \(place.path), the network's \(name): value \(wrong) is \(values[wrong]), expected 0 or more"
    )
  }
}
