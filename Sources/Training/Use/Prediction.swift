import Checkpointing
import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Networks
import Segments
import TrackFiles

/// A checkpoint's network at work on songs, one rank's part of them.
public final class Prediction {
  /// What became of one song, or of a file that is none.
  public struct Outcome: Sendable, Equatable {
    public let path: String
    /// In a file of many songs.
    public let row: Int?
    public var trackID: String?
    public var title: String?
    public var artistName: String?
    /// Of every tag, in the order of the model's; empty where the song was not judged.
    public var probabilities: [Float] = []
    /// The values before the last layer; empty where they were not asked for.
    public var embedding: [Float] = []
    /// Why the song was not judged; nil where it was.
    public var problem: Problem?

    /// Why a song was not judged.
    public struct Problem: Sendable, Equatable {
      public enum Kind: Int, Sendable {
        /// The file cannot be read, or not as a song.
        case unreadable
        /// There is no such file.
        case missing
        /// Nothing is wrong with the file, but the song has too few segments.
        case tooShort
      }

      public let kind: Kind
      public let cause: String
    }

    init(path: String, row: Int?) {
      self.path = path
      self.row = row
    }

    /// The file, and the row where there is one.
    public var place: String { SongLocation(path, row: row).description }

    /// The problem as an error.
    public var failure: Failure? {
      problem.map { Failure($0.kind == .missing ? .missingInput : .badData, "\(place): \($0.cause)") }
    }
  }

  /// A song on its way to the network.
  struct Candidate {
    var outcome: Outcome
    /// Nil where the song cannot be judged.
    var values: SongValues?
  }

  /// A song as the network takes it.
  struct SongValues {
    var segments = 0
    /// `[segment][value]`
    var ofSegments: [Float] = []
    /// Of the whole song.
    var ofSong: [Float] = []
  }

  let model: StoredModel
  /// What the network sees of a song.
  let input: SongInput
  private let threads: Int
  private let communicator: any Communicator
  /// For songs of up to so many segments as any so far.
  private var replica: Replica
  /// Whether outcomes have embeddings.
  let givesEmbeddings: Bool

  /// Songs that are predicted together: the weights are transformed once for all of them. A song's result does not
  /// depend on its company.
  var songsAtOnce: Int { Self.songsAtOnce(input) }
  /// The maps of spectrograms are large.
  private static func songsAtOnce(_ input: SongInput) -> Int { input.features == .spectrogram ? 8 : 16 }
  /// Segments of whole songs together, unless one has more.
  private static let segmentsAtOnce = 16_384

  public let tags: ModelTags
  /// Values before the last layer.
  public var embeddingWidth: Int { model.network.embeddingWidth }
  /// The fewest segments that a song must have.
  var fewestSegments: Int { input.segments.count ?? model.network.shortestSong }

  /// Collective.
  /// - Throws: as `StoredModel.read`; `usage` where the ranks need more memory than they may have.
  public init(
    checkpoint: String, threads: Int, embeddings: Bool = false, _ communicator: any Communicator
  ) throws {
    let (model, input) = try communicator.agree {
      let model = try StoredModel.read(checkpoint)
      return (model, try model.input())
    }
    tags = ModelTags(model)
    (self.model, self.input) = (model, input)
    self.threads = threads
    self.communicator = communicator
    givesEmbeddings = embeddings
    let shape = Self.shape(input, longest: model.architecture.segments, threads: threads)
    try communicator.hold(try communicator.agree { try model.plannedMemory(shape) })
    replica = try communicator.agree { try model.makeReplica(shape) }
  }

  private static func shape(_ input: SongInput, longest: Int, threads: Int) -> StoredModel.ReplicaShape {
    StoredModel.ReplicaShape(
      maximumBatch: songsAtOnce(input), longest: longest,
      maximumSegments: input.segments == .all ? max(longest, segmentsAtOnce) : nil, threads: threads)
  }

  /// - Throws: `usage` where track files do not hold what the network sees.
  func refuseTrackFiles(_ path: String) throws {
    guard !input.features.isOfSegments else { return }
    throw Failure(
      .usage,
      "\(model.checkpoint.source): a model of spectrograms, which track files such as \(path) do not hold",
      remedy: "name a file of spectrograms"
    ).knownToAllRanks
  }

  /// Reads of track files what the network sees.
  var reader: TrackReader {
    let reader = TrackReader(input.trackWindow, features: input.features)
    reader.readsAnalyses = true
    return reader
  }

  /// Judges at most `songsAtOnce` songs; those that cannot be judged keep their problem.
  func judge(_ candidates: [Candidate]) throws -> [Outcome] {
    var outcomes = candidates.map(\.outcome)
    let good = candidates.indices.filter { candidates[$0].values != nil }
    let (probabilities, embeddings) = try predict(good.map { candidates[$0].values ?? SongValues() })
    let (tags, width) = (model.tags.count, embeddingWidth)
    for (place, number) in good.enumerated() {
      outcomes[number].probabilities = Array(probabilities[place * tags..<(place + 1) * tags])
      if givesEmbeddings { outcomes[number].embedding = Array(embeddings[place * width..<(place + 1) * width]) }
    }
    return outcomes
  }

  /// Probabilities of songs, in batches that there is room for; and their embeddings, where they are wanted.
  private func predict(_ songs: [SongValues]) throws -> (probabilities: [Float], embeddings: [Float]) {
    let lengths = songs.map(\.segments)
    // A whole song may be longer than any that the model was trained on.
    if let longest = lengths.max(), longest > replica.network.segments {
      let shape = Self.shape(input, longest: longest, threads: threads)
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
      probabilities += try replica.predict(next)
      if givesEmbeddings { embeddings += replica.embeddings(songs: batch.count) }
      rest = batch.endIndex..<rest.endIndex
    }
    return (probabilities, embeddings)
  }

  /// A song of a track file.
  func candidate(_ reading: TrackReading) throws -> Candidate {
    var outcome = Outcome(path: reading.location.path, row: reading.location.row)
    switch reading.song {
    case .success(let track):
      outcome.trackID = track.trackID
      outcome.title = track.title
      outcome.artistName = track.artistName
      return try candidate(outcome, segments: track.segmentCount) { try values(of: track) }
    case .failure(let skipped):
      let isThere = FileManager.default.fileExists(atPath: reading.location.path)
      outcome.problem = Outcome.Problem(kind: isThere ? .unreadable : .missing, cause: skipped.cause)
      return Candidate(outcome: outcome)
    }
  }

  /// A song with so many segments, whose values are taken where it has enough of them.
  func candidate(_ outcome: Outcome, segments: Int, values: () throws -> SongValues) rethrows -> Candidate {
    if segments >= fewestSegments { return Candidate(outcome: outcome, values: try values()) }
    var outcome = outcome
    outcome.problem = Outcome.Problem(
      kind: .tooShort,
      cause:
        "the song has \(segments) segments, the model needs \(fewestSegments); shorter songs cannot be judged")
    return Candidate(outcome: outcome)
  }

  private func values(of track: Track) throws -> SongValues {
    let segments = input.length(of: track.segmentCount)
    var values = [Float](repeating: 0, count: segments * input.width)
    for feature in input.features.features {
      guard let read = track[feature], read.count == segments * feature.width else {
        throw Failure(.fault, "the \(feature.rawValue) of \(track.trackID) have not been read")
      }
      input.write(feature, read, segments: 0..<segments, to: &values, at: 0)
    }
    let ofSong = try input.features.ofSong.flatMap { feature in
      guard let read = track.songValues[feature], read.allSatisfy(\.isFinite) else {
        throw Failure(.fault, "the \(feature.rawValue) of \(track.trackID) have not been read")
      }
      return read
    }
    return SongValues(
      segments: segments, ofSegments: values, ofSong: input.scaled(songValues: ofSong))
  }
}
