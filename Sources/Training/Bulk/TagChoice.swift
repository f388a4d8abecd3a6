/// Which tags are told of a song.
public struct TagChoice: Sendable {
  /// The most probable ones, so many; nil: however many there are.
  public var top: Int?
  /// Those at least so probable; nil: however improbable.
  public var threshold: Float?

  public init(top: Int? = 5, threshold: Float? = nil) {
    self.top = top
    self.threshold = threshold
  }

  /// A tag with the probability that the song has it.
  public struct Tag: Encodable, Sendable, Equatable {
    public let tag: String
    public let probability: Float
  }

  /// The most probable first; of equally probable ones in the order of the names.
  /// - Parameter probabilities: one for each of the names; none where the song was not judged.
  public func tags(_ probabilities: [Float], names: [String]) -> [Tag] {
    probabilities.indices.filter { index in threshold.map { probabilities[index] >= $0 } ?? true }
      .sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
      .prefix(top ?? probabilities.count).map { Tag(tag: names[$0], probability: probabilities[$0]) }
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

  public init(_ outcome: Prediction.Outcome, _ choice: TagChoice, names: [String]) {
    file = outcome.path
    row = outcome.row
    trackID = outcome.trackID
    title = outcome.title
    artistName = outcome.artistName
    skipped = outcome.problem?.cause
    tags = choice.tags(outcome.probabilities, names: names)
    embedding = outcome.embedding.isEmpty ? nil : outcome.embedding
  }

  enum CodingKeys: String, CodingKey {
    case file, row, title, skipped, tags, embedding
    case trackID = "track_id"
    case artistName = "artist_name"
  }
}
