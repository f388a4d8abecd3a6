/// How well a table of probabilities, one row a song and one column a tag, agrees with the songs' tags.
public struct TagMetrics: Sendable, Equatable, Codable {
  /// One tag's figures.
  public struct Tag: Sendable, Equatable, Codable {
    /// Songs that have the tag.
    public let positives: Int
    /// Exact area under the ROC curve; nil when no song, or every song, has the tag.
    public let rocAUC: Double?
    /// Average precision; nil when no song has the tag.
    public let averagePrecision: Double?
  }

  public let songs: Int
  public let tags: [Tag]
  /// The mean of the tags' ROC-AUC over the tags where it is defined; nil when it is for none.
  public let macroROCAUC: Double?
  /// The mean average precision over the same tags.
  public let macroAveragePrecision: Double?
  /// ROC-AUC of all decisions pooled.
  public let microROCAUC: Double?
  /// `tf.keras.metrics.AUC()` of all decisions pooled, for comparison only.
  public let kerasAUC: Double
  /// Mean binary cross-entropy; nil when there are no songs.
  public let loss: Double?

  /// Tags left out of the means, because no song or every song has them.
  public var undefinedTags: Int { tags.count { $0.rocAUC == nil } }

  /// - Parameters:
  ///   - probabilities: `[songs × tags]`, row-major.
  ///   - labels: the same shape; any value but 0 means that the song has the tag.
  ///   - tagCount: columns of both tables.
  /// - Throws: `MetricsError` when a probability is not a number or the shapes do not fit.
  public init(probabilities: [Float], labels: [UInt8], tagCount: Int) throws {
    guard tagCount > 0, probabilities.count % tagCount == 0 else {
      throw MetricsError.incompleteRows(scores: probabilities.count, tags: tagCount)
    }
    songs = probabilities.count / tagCount
    tags = try (0..<tagCount).map { tag in
      let ranked = try RankedScores(scores: probabilities, labels: labels, start: tag, stride: tagCount)
      return Tag(
        positives: ranked.positives.count, rocAUC: ranked.rocAUC, averagePrecision: ranked.averagePrecision)
    }
    let defined = tags.filter { $0.rocAUC != nil }
    macroROCAUC = Self.mean(defined.compactMap(\.rocAUC))
    macroAveragePrecision = Self.mean(defined.compactMap(\.averagePrecision))
    microROCAUC = try Metrics.rocAUC(scores: probabilities, labels: labels)
    kerasAUC = try Metrics.kerasAUC(scores: probabilities, labels: labels)
    loss = try binaryCrossEntropy(probabilities: probabilities, labels: labels)
  }

  private static func mean(_ values: [Double]) -> Double? {
    values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
  }
}
