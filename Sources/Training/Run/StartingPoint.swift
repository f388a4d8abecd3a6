import Checkpointing
import Diagnosis
import Networks

/// The checkpoint whose weights a run begins with (`train --from`): one of its own, of another run, or an imported one.
struct StartingPoint {
  private let model: StoredModel

  /// - Throws: as `StoredModel.read`.
  init(_ path: String) throws { model = try StoredModel.read(path) }

  /// Takes weights and moving statistics over. Where tags or auxiliary targets are others, those that the checkpoint knows keep
  /// their weights, and the others their initial values.
  /// - Returns: what was done, in a sentence.
  /// - Throws: `badData` where the network is another but for its tags and segments.
  func copy(to setup: TrainingSetup) throws -> String {
    let source = model.checkpoint.source
    let (was, now) = (try model.input().features, setup.input.features)
    guard was == now else {
      throw Failure(
        .badData, "--from \(source): a network of \(was.rawValue), this run's is of \(now.rawValue)",
        remedy: "train with --features \(was.rawValue)")
    }
    // Activations have no weights by whose shape they could be told apart.
    let activations = [model.architecture, setup.architecture].map { $0.song?.activation ?? .elu }
    guard activations[0] == activations[1] else {
      throw Failure(
        .badData,
        "--from \(source): its dense layers have the activation \(activations[0].rawValue), this run's \(activations[1].rawValue)",
        remedy: "train with --dense-activation \(activations[0].rawValue)")
    }
    let tags = Head(layer: model.network.outputLayer, of: model.tags, now: setup.source.tags)
    let targets = Head(
      layer: AuxiliaryHead.layer, of: model.checkpoint.lists[StoredModel.Key.auxiliary] ?? [], now: setup.auxiliary
    )
    for (arena, group) in [
      (setup.replica.parameters, StoredModel.Group.weights),
      (setup.replica.movingStatistics, StoredModel.Group.movingStatistics),
    ] {
      for placement in arena.placements {
        let values = try values(
          placement, group, [tags, targets], initial: arena.values(of: placement.name) ?? [])
        arena.setValues(values, of: placement.name)
      }
    }
    let known = tags.known
    let count = known.compactMap { $0 }.count
    let words = count == known.count ? "" : "; of \(known.count) tags it knows \(count), the others begin afresh"
    return "begins with the weights of \(source)\(words)"
  }

  /// A layer that has an output for each of some words, of which the run may have others than the checkpoint.
  private struct Head {
    let layer: String
    /// The checkpoint's words.
    let count: Int
    /// Where each of the run's words stands among them.
    let known: [Int?]

    init(layer: String, of words: [String], now: [String]) {
      self.layer = layer
      count = words.count
      let places = Dictionary(
        words.enumerated().map { (Array($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })
      known = now.map { places[Array($0.utf8)] }
    }
  }

  private func values(
    _ placement: TensorPlacement, _ group: String, _ heads: [Head], initial: [Float]
  ) throws -> [Float] {
    let path = group + "/" + placement.name
    let head = heads.first { placement.name.hasPrefix($0.layer + "/") }
    guard let head else { return try stored(path, placement.shape) }
    // A checkpoint that has learnt no such words has no such layer.
    guard head.count > 0 else { return initial }
    let stored = try stored(path, placement.shape.dropLast() + [head.count])
    var values = initial
    let count = head.known.count
    for row in 0..<placement.count / count {
      for (word, place) in head.known.enumerated() {
        if let place { values[row * count + word] = stored[row * head.count + place] }
      }
    }
    return values
  }

  private func stored(_ path: String, _ shape: [Int]) throws -> [Float] {
    do {
      return try model.checkpoint.finiteValues(path, shape: shape)
    } catch let error as Failure {
      throw Failure(
        .badData, "--from \(error.message)",
        remedy: "train the network that the checkpoint is of; inspect shows it")
    }
  }
}
