import MessagePassing
import Networks

/// One of the networks whose probabilities `Prediction` averages.
struct PredictionMember {
  let model: StoredModel
  /// What the network sees of a song.
  let input: SongInput
  /// For songs of up to so many segments as any so far.
  private(set) var replica: Replica
  private let threads: Int

  /// Songs that are predicted together; the maps of spectrograms are large.
  static func songsAtOnce(_ input: SongInput) -> Int { input.features == .spectrogram ? 8 : 16 }
  /// Segments of whole songs together, unless one has more.
  private static let segmentsAtOnce = 16_384

  init(_ model: StoredModel, _ input: SongInput, threads: Int) throws {
    (self.model, self.input, self.threads) = (model, input, threads)
    replica = try model.makeReplica(Self.shape(model, input, threads: threads))
  }

  static func shape(
    _ model: StoredModel, _ input: SongInput, longest: Int? = nil, threads: Int
  ) -> StoredModel.ReplicaShape {
    let longest = longest ?? model.architecture.segments
    return StoredModel.ReplicaShape(
      maximumBatch: songsAtOnce(input), longest: longest,
      maximumSegments: input.segments == .all ? max(longest, segmentsAtOnce) : nil, threads: threads)
  }

  /// Probabilities of songs, in batches that there is room for; and their embeddings, where they are wanted.
  /// - Throws: `usage` where a longer song than any before needs more memory than there may be.
  mutating func predict(
    _ songs: [Prediction.SongValues], embeddings wanted: Bool, _ communicator: any Communicator
  ) throws -> (probabilities: [Float], embeddings: [Float]) {
    let lengths = songs.map(\.segments)
    // A whole song may be longer than any that the model was trained on.
    if let longest = lengths.max(), longest > replica.network.segments {
      let shape = Self.shape(model, input, longest: longest, threads: threads)
      try model.plannedMemory(shape).hold(by: communicator)
      replica = try model.makeReplica(shape)
    }
    var (probabilities, embeddings): ([Float], [Float]) = ([], [])
    var rest = songs.indices
    while let first = rest.first {
      var segments = 0
      let batch =
        first..<(rest.first {
          segments += lengths[$0]
          return segments > replica.maximumSegments
        } ?? rest.endIndex)
      var next = Batch(
        songs: batch.map { UInt32($0) }, segments: Array(lengths[batch]),
        features: songs[batch].flatMap(\.ofSegments), labels: [])
      next.songValues = songs[batch].flatMap(\.ofSong)
      probabilities += try replica.predict(next, keepingWeights: true)
      if wanted { embeddings += replica.embeddings(songs: batch.count) }
      rest = batch.endIndex..<rest.endIndex
    }
    return (probabilities, embeddings)
  }
}
