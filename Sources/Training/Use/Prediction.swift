import Checkpointing
import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Networks
import Segments
import TrackFiles

/// A checkpoint's network, or several whose probabilities are averaged, at work on songs, one rank's part of them.
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
    /// For each network; empty where the song cannot be judged.
    var values: [SongValues] = []
  }

  /// A song as the network takes it.
  struct SongValues {
    var segments = 0
    /// `[segment][value]`
    var ofSegments: [Float] = []
    /// Of the whole song.
    var ofSong: [Float] = []
  }

  /// Of one vocabulary, and all see the same of a song, though each may scale it in its own way.
  private var members: [PredictionMember]
  private let communicator: any Communicator
  /// Whether outcomes have embeddings.
  let givesEmbeddings: Bool

  /// What the networks see of a song, but for how they scale it.
  var input: SongInput { members[0].input }
  var networks: [Network] { members.map(\.model.network) }
  /// The checkpoints' files, for people.
  var source: String { members.map(\.model.checkpoint.source).joined(separator: ", ") }
  /// Tells two choices of checkpoints apart.
  var checksum: String { members.map(\.model.checkpoint.checksum).joined(separator: "+") }

  /// Songs that are predicted together: rows for the products, and work for the threads. A song's result does not depend on its
  /// company.
  var songsAtOnce: Int { PredictionMember.songsAtOnce(input) }

  public let tags: ModelTags
  /// Values before the last layer.
  public var embeddingWidth: Int { members[0].model.network.embeddingWidth }
  /// The fewest segments that a song must have.
  var fewestSegments: Int { input.segments.count ?? networks.map(\.shortestSong).max() ?? 1 }

  /// Collective.
  /// - Parameters:
  ///   - checkpoints: of several the probabilities are averaged.
  ///   - threads: threads that work inside a call.
  ///   - embeddings: whether outcomes have embeddings.
  ///   - communicator: of all ranks that take part.
  /// - Throws: as `StoredModel.read`; `badData` where they know other tags; `usage` where they see different things of a
  ///   song, where embeddings of several are wanted, and where the ranks need more memory than they may have.
  public init(
    checkpoints: [String], threads: Int, embeddings: Bool = false, _ communicator: any Communicator
  ) throws {
    let models = try communicator.agree {
      let models = try checkpoints.map { path in
        let model = try StoredModel.read(path)
        return (model, try model.input())
      }
      try Self.refuseUnlike(models, embeddings: embeddings)
      return models
    }
    tags = ModelEnsemble.tags(models.map(\.0))
    self.communicator = communicator
    givesEmbeddings = embeddings
    try communicator.hold(
      try communicator.agree {
        var plan = MemoryPlan()
        for (model, input) in models {
          plan.add(try model.plannedMemory(PredictionMember.shape(model, input, threads: threads)))
        }
        return plan
      })
    members = try communicator.agree {
      try models.map { try PredictionMember($0.0, $0.1, threads: threads) }
    }
  }

  private static func refuseUnlike(_ models: [(StoredModel, SongInput)], embeddings: Bool) throws {
    try ModelEnsemble.refuseOtherTags(models.map(\.0))
    guard let (first, input) = models.first, models.count > 1 else { return }
    if embeddings {
      throw Failure(
        .usage,
        "--embeddings: several checkpoints are given, and the values before the last layer are each one's own",
        remedy: "give one --checkpoint")
    }
    for (model, other) in models.dropFirst() where !input.seesTheSame(as: other) {
      throw Failure(
        .usage,
        "\(model.checkpoint.source): sees other things of a song than \(first.checkpoint.source): \(other.inWords) and "
          + "\(input.inWords)", remedy: "average networks of the same features, segments and crop")
    }
  }

  /// - Throws: `usage` where track files do not hold what the network sees.
  func refuseTrackFiles(_ path: String) throws {
    guard !input.features.isOfSegments else { return }
    throw Failure(
      .usage,
      "\(source): a model of spectrograms, which track files such as \(path) do not hold",
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
    let good = candidates.indices.filter { !candidates[$0].values.isEmpty }
    var (tables, embeddings): ([[Float]], [Float]) = ([], [])
    for member in members.indices {
      let said = try members[member].predict(
        good.map { candidates[$0].values[member] }, embeddings: givesEmbeddings, communicator)
      tables.append(said.probabilities)
      embeddings = said.embeddings
    }
    let probabilities = ModelEnsemble.mean(tables)
    let (tags, width) = (tags.names.count, embeddingWidth)
    for (place, number) in good.enumerated() {
      outcomes[number].probabilities = Array(probabilities[place * tags..<(place + 1) * tags])
      if givesEmbeddings { outcomes[number].embedding = Array(embeddings[place * width..<(place + 1) * width]) }
    }
    return outcomes
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
  func candidate(_ outcome: Outcome, segments: Int, values: () throws -> [SongValues]) rethrows -> Candidate {
    if segments >= fewestSegments { return Candidate(outcome: outcome, values: try values()) }
    var outcome = outcome
    outcome.problem = Outcome.Problem(
      kind: .tooShort,
      cause:
        "the song has \(segments) segments, the model needs \(fewestSegments); shorter songs cannot be judged")
    return Candidate(outcome: outcome)
  }

  private func values(of track: Track) throws -> [SongValues] {
    let segments = input.length(of: track.segmentCount)
    return try values(segments: segments) { feature in
      guard let read = track[feature], read.count == segments * feature.width else {
        throw Failure(.fault, "the \(feature.rawValue) of \(track.trackID) have not been read")
      }
      return read
    } ofSong: { feature in
      guard let read = track.songValues[feature], read.allSatisfy(\.isFinite) else {
        throw Failure(.fault, "the \(feature.rawValue) of \(track.trackID) have not been read")
      }
      return read
    }
  }

  /// A song's values as each network takes them.
  /// - Parameters:
  ///   - segments: how many are seen.
  ///   - ofSegments: a feature of those, `[segment][value]`.
  ///   - ofSong: a feature of the whole song.
  func values(
    segments: Int, of ofSegments: (Feature) throws -> SegmentValues, ofSong: (SongFeature) throws -> [Float]
  ) rethrows -> [SongValues] {
    let read = try input.features.features.map { ($0, try ofSegments($0)) }
    let known = try input.features.ofSong.flatMap(ofSong)
    return members.map { member in
      var values = [Float](repeating: 0, count: segments * input.width)
      for (feature, own) in read { member.input.write(feature, own, segments: 0..<segments, to: &values, at: 0) }
      return SongValues(
        segments: segments, ofSegments: values, ofSong: member.input.scaled(songValues: known))
    }
  }
}

extension SongInput {
  fileprivate func seesTheSame(as other: SongInput) -> Bool {
    features == other.features && segments == other.segments && crop == other.crop && longest == other.longest
      && rows == other.rows
  }

  /// `252 segments (first) of pitches`.
  fileprivate var inWords: String {
    "\(segments) segments (\(crop.rawValue)\(longest.map { ", at most \($0)" } ?? "")) of \(features.rawValue)"
  }
}
