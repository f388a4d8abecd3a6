import Checkpointing
import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Networks
import Sampling
import Segments
import TrackFiles

/// Tags for track files, from a checkpoint.
public final class Prediction {
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
  /// What the network sees of a song.
  private let input: SongInput
  private let tracks: TrackStream
  private let threads: Int
  private let communicator: any Communicator
  /// For songs of up to so many segments as any so far.
  private var replica: Replica
  /// Tags to tell of each song.
  private let top: Int

  /// Songs that are predicted together: the weights are transformed once for all of them. A song's result does not
  /// depend on its company.
  private static let songsAtOnce = 16
  /// Segments of whole songs together, unless one has more.
  private static let segmentsAtOnce = 16_384

  /// Collective.
  /// - Throws: as `StoredModel.read`; `usage` where the ranks need more memory than they may have.
  public init(checkpoint: String, top: Int, threads: Int, _ communicator: any Communicator) throws {
    let (model, input) = try communicator.agree {
      let model = try StoredModel.read(checkpoint)
      let input = try model.input()
      guard input.features.isOfSegments else {
        throw Failure(
          .usage, "\(checkpoint): a model of spectrograms, which track files do not hold",
          remedy: "crnn-dist evaluate judges it by a file of spectrograms")
      }
      return (model, input)
    }
    (self.model, self.input) = (model, input)
    self.threads = threads
    self.communicator = communicator
    let shape = Self.shape(input, longest: model.architecture.segments, threads: threads)
    try communicator.hold(try communicator.agree { try model.plannedMemory(shape) })
    replica = try communicator.agree { try model.makeReplica(shape) }
    self.top = top
    tracks = TrackStream(TrackReader(input.trackWindow, features: input.features))
  }

  private static func shape(_ input: SongInput, longest: Int, threads: Int) -> StoredModel.ReplicaShape {
    StoredModel.ReplicaShape(
      maximumBatch: songsAtOnce, longest: longest,
      maximumSegments: input.segments == .all ? max(longest, segmentsAtOnce) : nil, threads: threads)
  }

  /// Predicts the tags of every song in files, shared among the ranks. Rank 0 returns all outcomes in the order of the
  /// paths and rows, a bad file among them with its problem; the others nil. Collective.
  public func run(_ paths: [String], _ communicator: any Communicator) throws -> [Outcome]? {
    let songs = try SongLocation.songs(in: paths, communicator: communicator)
    let own = songs[share(of: songs.indices, rank: communicator.rank, size: communicator.size)]
    tracks.add(own)
    let outcomes = try communicator.agree {
      var outcomes: [Outcome] = []
      while case let readings = tracks.next(Self.songsAtOnce), !readings.isEmpty {
        outcomes += try self.outcomes(of: readings)
      }
      return outcomes
    }
    return try communicator.gather(outcomes)?.flatMap { $0 }
  }

  /// Of at most `songsAtOnce` songs.
  private func outcomes(of readings: [TrackReading]) throws -> [Outcome] {
    var outcomes: [Outcome] = []
    var songs: [SongValues] = []
    var good: [Int] = []
    for reading in readings {
      let (outcome, values) = try outcome(of: reading)
      if let values {
        good.append(outcomes.count)
        songs.append(values)
      }
      outcomes.append(outcome)
    }
    let probabilities = try predict(songs)
    for (place, number) in good.enumerated() {
      let count = model.tags.count
      let own = probabilities[place * count..<(place + 1) * count]
      outcomes[number].tags = own.indices.sorted { (own[$1], $0) < (own[$0], $1) }
        .prefix(top).map { Tag(tag: model.tags[$0 - own.startIndex], probability: own[$0]) }
    }
    return outcomes
  }

  /// Probabilities of songs, in batches that there is room for.
  private func predict(_ songs: [SongValues]) throws -> [Float] {
    let lengths = songs.map(\.segments)
    // A whole song may be longer than any that the model was trained on.
    if let longest = lengths.max(), longest > replica.network.segments {
      let shape = Self.shape(input, longest: longest, threads: threads)
      try model.plannedMemory(shape).hold(by: communicator)
      replica = try model.makeReplica(shape)
    }
    var probabilities: [Float] = []
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
      rest = batch.endIndex..<rest.endIndex
    }
    return probabilities
  }

  /// What a song is, and its values as the network takes them; nil where it cannot be judged, with the problem.
  private func outcome(of reading: TrackReading) throws -> (Outcome, values: SongValues?) {
    var outcome = Outcome(reading.location)
    let fewest = input.segments.count ?? model.network.shortestSong
    switch reading.song {
    case .success(let track):
      outcome.trackID = track.trackID
      outcome.title = track.title
      outcome.artistName = track.artistName
      if track.segmentCount >= fewest { return (outcome, try values(of: track)) }
      outcome.problem =
        "the song has \(track.segmentCount) segments, the model needs \(fewest); shorter songs cannot be judged"
    case .failure(let skipped):
      outcome.problem = skipped.cause
      outcome.isMissing = !FileManager.default.fileExists(atPath: reading.location.path)
    }
    return (outcome, nil)
  }

  /// A song as the network takes it.
  private struct SongValues {
    var segments: Int
    var ofSegments: [Float]
    var ofSong: [Float]
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
