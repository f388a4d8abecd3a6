import Diagnosis
import MessagePassing

/// Probabilities of songs, in ascending order of the songs' numbers: the same, to the last bit, for any world
/// size, and so is every metric made of them.
public struct Predictions: Sendable, Equatable {
  public let songs: [UInt32]
  /// `[song][tag]`, row-major.
  public let probabilities: [Float]

  public init(songs: [UInt32], probabilities: [Float]) {
    self.songs = songs
    self.probabilities = probabilities
  }
}

extension Communicator {
  /// Brings every rank's predictions together on rank 0; nil elsewhere. Collective.
  ///
  /// - Parameters:
  ///   - songs: the numbers of this rank's songs, in any order; possibly none.
  ///   - probabilities: `[song][tag]` for these.
  ///   - expected: how many songs all ranks together must bring.
  /// - Throws: on all ranks, when a song comes twice or not at all, which would distort every metric.
  public func gatherPredictions(
    songs: [UInt32], probabilities: [Float], tags: Int, expected: Int
  ) throws -> Predictions? {
    try agree {
      guard probabilities.count == songs.count * tags else {
        throw Failure(.fault, "\(songs.count) songs of \(tags) tags have \(probabilities.count) probabilities")
      }
    }
    let allSongs = try gather(songs)
    let allProbabilities = try gather(probabilities)
    return try agree {
      guard let allSongs, let allProbabilities else { return nil }
      return try sorted(
        allSongs.flatMap { $0 }, allProbabilities.flatMap { $0 }, tags: tags, expected: expected)
    }
  }

  private func sorted(
    _ songs: [UInt32], _ probabilities: [Float], tags: Int, expected: Int
  ) throws -> Predictions {
    let order = songs.indices.sorted { songs[$0] < songs[$1] }
    for (first, second) in zip(order, order.dropFirst()) where songs[first] == songs[second] {
      throw Failure(.fault, "song \(songs[first]) was evaluated twice")
    }
    guard songs.count == expected else {
      throw Failure(.fault, "\(songs.count) songs were evaluated, expected \(expected)")
    }
    var rows: [Float] = []
    rows.reserveCapacity(probabilities.count)
    for index in order { rows += probabilities[index * tags..<(index + 1) * tags] }
    return Predictions(songs: order.map { songs[$0] }, probabilities: rows)
  }
}
