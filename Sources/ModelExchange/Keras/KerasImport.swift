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

  /// - Parameters:
  ///   - weights: what the file holds.
  ///   - configuration: its model, features, segments and tags say what the network is. Tags that are counted, or
  ///     not said, are those that the weights' file describes.
  /// - Throws: as `KerasWeights`; `usage` where the tags are not known, `badData` where the file describes others.
  public init(_ weights: KerasWeights, _ configuration: RunConfiguration) throws {
    self.weights = weights
    let described = weights.description?.segments
    if case .count(let named)? = configuration.segments, let described, described != named {
      throw Failure(
        .badData,
        "\(weights.path): describes a network of \(described) segments, the configuration names \(named)",
        remedy: "leave out the configuration's segments, or name these")
    }
    var known = configuration
    known.segments = configuration.segments ?? described.map { .count($0) }
    var configuration = known.withoutSongs
    // Files from elsewhere have no head for auxiliary targets.
    (configuration.auxiliary, configuration.auxiliaryWeight) = (nil, nil)
    try configuration.validateSegments()
    tags = try Self.tags(weights, configuration)
    architecture = try configuration.architecture(
      segments: configuration.segments?.count ?? described ?? RunConfiguration.defaultSegments,
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
    let features = configuration.features ?? .pitches
    let inputs = PortableModel.inputs(features) { _ in nil }
    let scaled = inputs.indices.filter { Feature(rawValue: inputs[$0].name)?.isStandardized ?? true }
    let operations = network.operations.flatMap { $0.operations ?? [] }
    let declarations = network.trainableTensors + network.statisticTensors
    let layout = try KerasLayout(
      operations, declarations, inputs: inputs, rows: network.input.rows, channels: network.input.channels,
      scaled: scaled)
    var checkpoint = Checkpoint()
    try StoredModel.describe(architecture, tags: tags, in: &checkpoint)
    checkpoint.describeUntrained(configuration)
    let shapes = Dictionary(uniqueKeysWithValues: declarations.map { ($0.name, $0.shape) })
    let statistics = Set(network.statisticTensors.map(\.name))
    var scales = inputs.map { _ in Standardization(mean: [], deviation: []) }
    for place in layout.places {
      switch place.content {
      case .tensor(let name):
        let values = try weights.values(at: place, name)
        if name.hasSuffix("/moving_variance") { try refuseNegative(values, place, name) }
        let group = statistics.contains(name) ? StoredModel.Group.movingStatistics : StoredModel.Group.weights
        checkpoint.arrays[group + "/" + name] = Checkpoint.FloatArray(shape: shapes[name]!, values: values)
      case .mean(let input):
        scales[input].mean = try weights.values(at: place, "mean of \(inputs[input].name)")
      case .variance(let input):
        let name = "variance of \(inputs[input].name)"
        let values = try weights.values(at: place, name)
        try refuseNegative(values, place, name)
        scales[input].deviation = values.map { $0.squareRoot() }
      }
    }
    for input in scaled {
      let (name, scale) = (inputs[input].name, scales[input])
      guard scale.isSound(width: scale.mean.count) else {
        throw Failure(.badData, "\(weights.path): its \(name) cannot be scaled: a variance is 0, expected above 0")
      }
      checkpoint.store(scale, of: name)
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
