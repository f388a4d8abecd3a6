import DataParallel
import Diagnosis
import MessagePassing
import Metrics
import Networks
import Sampling

/// Judges a replica's predictions for songs that are shared among the ranks.
final class Evaluator {
  private let replica: Replica
  private let sides: SongSides
  private let supply: BatchSupply
  /// Segments that the network sees of each song.
  private let lengths: [Int]
  private let communicator: any Communicator
  /// Told of songs that this rank has predicted.
  var progress: (_ done: Int) -> Void = { _ in }

  init(
    _ replica: Replica, _ sides: SongSides, _ supply: BatchSupply, lengths: [Int], _ communicator: any Communicator
  ) {
    self.replica = replica
    self.sides = sides
    self.supply = supply
    self.lengths = lengths
    self.communicator = communicator
  }

  /// The metrics of some songs, on every rank; nil where there are none. Collective; the same to the last bit for
  /// any number of ranks.
  ///
  /// - Parameters:
  ///   - songs: all of them, the same on all ranks.
  ///   - own: those that this rank predicts; the ranks' parts together are `songs`.
  func metrics(of songs: [Int], own: [Int]) throws -> TagMetrics? {
    guard !songs.isEmpty else { return nil }
    return try metrics(of: predictions(of: songs, own: own))
  }

  /// The predictions of some songs on rank 0; nil elsewhere. Collective; parameters as of `metrics`.
  func predictions(of songs: [Int], own: [Int]) throws -> Predictions? {
    let probabilities = try communicator.agree { try predict(own) }
    return try communicator.gatherPredictions(
      songs: own.map(UInt32.init), probabilities: probabilities, tags: sides.tagCount, expected: songs.count)
  }

  /// The metrics of what rank 0 has gathered, on every rank. Collective.
  func metrics(of gathered: Predictions?) throws -> TagMetrics {
    try judge(gathered) { try TagMetrics(probabilities: $0, labels: $1, tagCount: sides.tagCount) }
  }

  /// From which probability on each tag is best said, by what rank 0 has gathered, on every rank. Collective.
  func thresholds(of gathered: Predictions?) throws -> [Float] {
    try judge(gathered) { try DecisionThresholds.best(probabilities: $0, labels: $1, tagCount: sides.tagCount) }
  }

  /// Has rank 0 judge probabilities by labels, and tells every rank what came of it. Collective.
  private func judge<Value: Codable>(
    _ gathered: Predictions?, _ body: (_ probabilities: [Float], _ labels: [UInt8]) throws -> Value
  ) throws -> Value {
    try communicator.broadcast {
      guard let gathered else { throw Failure(.fault, "rank 0 has no predictions") }
      do {
        return try body(gathered.probabilities, sides.labels(of: gathered.songs.map(Int.init)))
      } catch let error as MetricsError {
        throw Failure(.fault, "the predictions cannot be judged: \(error)", remedy: "try a lower --learning-rate")
      }
    }
  }

  private func predict(_ songs: [Int]) throws -> [Float] {
    var probabilities: [Float] = []
    probabilities.reserveCapacity(songs.count * sides.tagCount)
    let plan = batches(songs)
    supply.begin(plan, epoch: nil)
    var done = 0
    for batch in plan {
      probabilities += try replica.predict(supply.next(), keepingWeights: done > 0)
      done += batch.count
      progress(done)
    }
    return probabilities
  }

  /// Songs in a row, as many as the replica has room for.
  private func batches(_ songs: [Int]) -> [[Int]] {
    var batches: [[Int]] = []
    var segments = 0
    for song in songs {
      segments += lengths[song]
      if let last = batches.last, last.count < replica.maximumBatch, segments <= replica.maximumSegments {
        batches[batches.count - 1].append(song)
      } else {
        batches.append([song])
        segments = lengths[song]
      }
    }
    return batches
  }
}
