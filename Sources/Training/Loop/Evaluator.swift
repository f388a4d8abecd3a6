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
  private let filler: BatchFiller
  private let communicator: any Communicator

  init(_ replica: Replica, _ sides: SongSides, _ features: SongFeatures, _ communicator: any Communicator) {
    self.replica = replica
    self.sides = sides
    self.communicator = communicator
    filler = BatchFiller(features, labels: [], tags: sides.tagCount, segments: replica.architecture.segments)
  }

  /// The metrics of some songs, on every rank; nil where there are none. Collective; the same to the last bit for
  /// any number of ranks.
  ///
  /// - Parameters:
  ///   - songs: all of them, the same on all ranks.
  ///   - own: those that this rank predicts; the ranks' parts together are `songs`.
  func metrics(of songs: [Int], own: [Int]) throws -> TagMetrics? {
    guard !songs.isEmpty else { return nil }
    let probabilities = try communicator.agree { try predict(own) }
    let gathered = try communicator.gatherPredictions(
      songs: own.map(UInt32.init), probabilities: probabilities, tags: sides.tagCount, expected: songs.count)
    return try communicator.broadcast {
      guard let gathered else { throw Failure(.fault, "rank 0 has no predictions") }
      do {
        return try TagMetrics(
          probabilities: gathered.probabilities, labels: sides.labels(of: gathered.songs.map(Int.init)),
          tagCount: sides.tagCount)
      } catch let error as MetricsError {
        throw Failure(.fault, "the predictions cannot be judged: \(error)", remedy: "try a lower --learning-rate")
      }
    }
  }

  private func predict(_ songs: [Int]) throws -> [Float] {
    var probabilities: [Float] = []
    probabilities.reserveCapacity(songs.count * sides.tagCount)
    for start in stride(from: 0, to: songs.count, by: replica.maximumBatch) {
      filler.fill(songs[start..<min(start + replica.maximumBatch, songs.count)])
      probabilities += try replica.predict(filler.batch)
    }
    return probabilities
  }
}
