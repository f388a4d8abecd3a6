import Checkpointing
import Diagnosis
import Foundation
import MessagePassing
import MillionSong
import Networks
import Sampling

/// Tags for track files, from a checkpoint.
public struct Prediction {
  /// A tag with the probability that the song has it.
  public struct Tag: Codable, Sendable {
    public let tag: String
    public let probability: Float
  }

  /// What became of one song, or of a file that is none.
  public struct Outcome: Codable, Sendable {
    public let path: String
    /// In a file of many songs.
    public let row: Int?
    public var trackID: String?
    public var title: String?
    public var artistName: String?
    /// Most probable first.
    public var tags: [Tag] = []
    /// What is wrong with the file; nil where there are tags.
    public var problem: String?
    /// Whether there is no such file.
    public var isMissing = false

    init(_ location: SongLocation) {
      path = location.path
      row = location.row
    }

    /// The file, and the row where there is one.
    public var place: String { SongLocation(path, row: row).description }

    /// The problem as an error.
    public var failure: Failure? {
      problem.map { Failure(isMissing ? .missingInput : .badData, "\(place): \($0)") }
    }
  }

  private let model: StoredModel
  private let replica: Replica
  private let reader: TrackReader
  /// Tags to tell of each song.
  private let top: Int

  /// Songs that are predicted together: the weights are transformed once for all of them. A song's result does not
  /// depend on its company.
  private static let songsAtOnce = 16

  /// - Throws: as `StoredModel.read`.
  public init(checkpoint: String, top: Int, threads: Int) throws {
    model = try StoredModel.read(checkpoint)
    replica = try model.makeReplica(maximumBatch: Self.songsAtOnce, threads: threads)
    self.top = top
    reader = TrackReader(segments: model.architecture.segments)
  }

  /// Predicts the tags of every song in files, shared among the ranks. Rank 0 returns all outcomes in the order of the
  /// paths and rows, a bad file among them with its problem; the others nil. Collective.
  public func run(_ paths: [String], _ communicator: any Communicator) throws -> [Outcome]? {
    let songs = try SongLocation.songs(in: paths, communicator: communicator)
    let own = songs[share(of: songs.indices, rank: communicator.rank, size: communicator.size)]
    let outcomes = try communicator.agree {
      try stride(from: own.startIndex, to: own.endIndex, by: Self.songsAtOnce).flatMap {
        try self.outcomes(own[$0..<min($0 + Self.songsAtOnce, own.endIndex)])
      }
    }
    return try communicator.gather(outcomes)?.flatMap { $0 }
  }

  /// Of at most `songsAtOnce` songs.
  private func outcomes(_ locations: ArraySlice<SongLocation>) throws -> [Outcome] {
    var outcomes: [Outcome] = []
    var features: [Float] = []
    var good: [Int] = []
    for location in locations {
      let (outcome, pitches) = read(location)
      if let pitches {
        good.append(outcomes.count)
        features += pitches
      }
      outcomes.append(outcome)
    }
    let probabilities = try replica.predict(
      Batch(songs: good.map(UInt32.init), features: features, labels: []))
    for (place, number) in good.enumerated() {
      let count = model.tags.count
      let own = probabilities[place * count..<(place + 1) * count]
      outcomes[number].tags = own.indices.sorted { (own[$1], $0) < (own[$0], $1) }
        .prefix(top).map { Tag(tag: model.tags[$0 - own.startIndex], probability: own[$0]) }
    }
    return outcomes
  }

  /// What a song is, and its first segments' pitches; nil where it cannot be judged, with the problem.
  private func read(_ location: SongLocation) -> (Outcome, pitches: [Float]?) {
    var outcome = Outcome(location)
    let segments = model.architecture.segments
    do {
      let track = try reader.read(location)
      outcome.trackID = track.trackID
      outcome.title = track.title
      outcome.artistName = track.artistName
      if track.segmentCount >= segments, let pitches = track.pitches { return (outcome, pitches.floats) }
      outcome.problem =
        "the song has \(track.segmentCount) segments, the model needs \(segments); shorter songs cannot be judged"
    } catch {
      outcome.problem = error.cause
      outcome.isMissing = !FileManager.default.fileExists(atPath: location.path)
    }
    return (outcome, nil)
  }
}
