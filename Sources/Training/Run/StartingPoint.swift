import Checkpointing
import Diagnosis
import Networks

/// The checkpoint whose weights a run begins with (`train --from`): one of its own, of another run, or an imported one.
struct StartingPoint {
  private let model: StoredModel

  /// - Throws: as `StoredModel.read`.
  init(_ path: String) throws { model = try StoredModel.read(path) }

  /// Takes weights and moving statistics over. Where the tags are others, those that the checkpoint knows keep their
  /// weights, and the others their initial values.
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
    let known = known(setup.source.tags)
    for (arena, group) in [
      (setup.replica.parameters, StoredModel.Group.weights),
      (setup.replica.movingStatistics, StoredModel.Group.movingStatistics),
    ] {
      for placement in arena.placements {
        let values = try values(placement, group, known, initial: arena.values(of: placement.name) ?? [])
        arena.setValues(values, of: placement.name)
      }
    }
    let count = known.compactMap { $0 }.count
    let words = count == known.count ? "" : "; of \(known.count) tags it knows \(count), the others begin afresh"
    return "begins with the weights of \(source)\(words)"
  }

  /// Where each of the run's tags stands among the checkpoint's.
  private func known(_ tags: [String]) -> [Int?] {
    let places = Dictionary(
      model.tags.enumerated().map { (Array($1.utf8), $0) }, uniquingKeysWith: { first, _ in first })
    return tags.map { places[Array($0.utf8)] }
  }

  private func values(
    _ placement: TensorPlacement, _ group: String, _ known: [Int?], initial: [Float]
  ) throws -> [Float] {
    let path = group + "/" + placement.name
    var shape = placement.shape
    let isOutput = placement.name.hasPrefix(model.network.outputLayer + "/")
    if isOutput { shape[shape.count - 1] = model.tags.count }
    let stored: [Float]
    do {
      stored = try model.checkpoint.finiteValues(path, shape: shape)
    } catch let error as Failure {
      throw Failure(
        .badData, "--from \(error.message)",
        remedy: "train the network that the checkpoint is of; inspect shows it")
    }
    guard isOutput else { return stored }
    var values = initial
    for row in 0..<placement.count / known.count {
      for (tag, place) in known.enumerated() {
        if let place { values[row * known.count + tag] = stored[row * model.tags.count + place] }
      }
    }
    return values
  }
}
