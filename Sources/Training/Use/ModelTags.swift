/// The tags that a model tells of, in the order of its outputs.
public struct ModelTags: Sendable {
  public let names: [String]
  /// From which probability on a song is best said to have each; nil where the model does not know.
  public let thresholds: [Float]?

  public init(_ names: [String], thresholds: [Float]? = nil) {
    (self.names, self.thresholds) = (names, thresholds)
  }

  init(_ model: StoredModel) { self.init(model.tags, thresholds: model.thresholds) }
}
