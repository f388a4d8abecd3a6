import Diagnosis

/// Which tags are told of a song.
public struct TagChoice: Sendable {
  /// From which probability on.
  public enum Threshold: Sendable, Equatable {
    case probability(Float)
    /// Each tag's own, which the model knows.
    case own
  }

  /// The most probable ones, so many; nil: however many there are.
  public var top: Int?
  /// Nil: however improbable.
  public var threshold: Threshold?

  public init(top: Int? = 5, threshold: Threshold? = nil) {
    self.top = top
    self.threshold = threshold
  }

  /// A tag with the probability that the song has it.
  public struct Tag: Encodable, Sendable, Equatable {
    public let tag: String
    public let probability: Float
  }

  /// The most probable first; of equally probable ones in the order of the names.
  /// - Parameters:
  ///   - probabilities: one for each of the tags; none where the song was not judged.
  ///   - tags: those of the model that gave the probabilities.
  public func tags(_ probabilities: [Float], of tags: ModelTags) -> [Tag] {
    probabilities.indices.filter { index in probabilities[index] >= threshold?.least(of: index, tags) ?? -.infinity
    }
    .sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
    .prefix(top ?? probabilities.count).map { Tag(tag: tags.names[$0], probability: probabilities[$0]) }
  }
}

extension TagChoice.Threshold {
  /// What it is for one tag.
  func least(of tag: Int, _ tags: ModelTags) -> Float {
    switch self {
    case .probability(let probability): probability
    // Whoever asks for them has seen that they are there (`check`).
    case .own: tags.thresholds?[tag] ?? .infinity
    }
  }

  /// - Throws: `usage` where the model does not know what is asked for.
  func check(_ model: ModelTags, of checkpoint: String) throws {
    guard self == .own, model.thresholds == nil else { return }
    throw Failure(
      .usage,
      "--threshold own: \(checkpoint) keeps no thresholds: its run had no validation songs or no finished epoch, another program wrote it, or "
        + "it is averaged with others",
      remedy: "name one for all tags, such as --threshold 0.3")
  }
}

/// One song as `predict` tells it in JSON.
public struct TaggedSong: Encodable, Sendable {
  public let file: String
  /// In a file of many songs.
  public let row: Int?
  public let trackID: String?
  public let title: String?
  public let artistName: String?
  /// Why it was not judged; nil where it was.
  public let skipped: String?
  public let tags: [TagChoice.Tag]
  public let embedding: [Float]?

  public init(_ outcome: Prediction.Outcome, _ choice: TagChoice, _ model: ModelTags) {
    file = outcome.path
    row = outcome.row
    trackID = outcome.trackID
    title = outcome.title
    artistName = outcome.artistName
    skipped = outcome.problem?.cause
    tags = choice.tags(outcome.probabilities, of: model)
    embedding = outcome.embedding.isEmpty ? nil : outcome.embedding
  }

  enum CodingKeys: String, CodingKey {
    case file, row, title, skipped, tags, embedding
    case trackID = "track_id"
    case artistName = "artist_name"
  }
}
