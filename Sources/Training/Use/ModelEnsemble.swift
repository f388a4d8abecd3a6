import Diagnosis

/// The checkpoints of networks whose probabilities are averaged, or of one.
///
/// They tell the same tags. The mean is taken in double precision, in the order in which they are named.
enum ModelEnsemble {
  /// - Throws: `badData` where a checkpoint knows other tags than the first.
  static func refuseOtherTags(_ models: [StoredModel]) throws {
    for model in models.dropFirst() where model.tags != models[0].tags {
      throw Failure(
        .badData,
        "\(model.checkpoint.source): knows other tags than \(models[0].checkpoint.source): \(model.tags.count) and "
          + "\(models[0].tags.count), or in another order", remedy: "average networks of one vocabulary")
    }
  }

  /// The tags of all; thresholds are those of a network by itself.
  static func tags(_ models: [StoredModel]) -> ModelTags {
    models.count == 1 ? ModelTags(models[0]) : ModelTags(models[0].tags)
  }

  /// - Parameter tables: of equal size, one at least.
  static func mean(_ tables: [[Float]]) -> [Float] {
    guard tables.count > 1 else { return tables[0] }
    return tables[0].indices.map { index in
      Float(tables.reduce(0.0) { $0 + Double($1[index]) } / Double(tables.count))
    }
  }
}
