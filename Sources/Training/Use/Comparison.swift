import Diagnosis
import Judging
import MessagePassing
import Metrics
import Texts

/// Two checkpoints on the same songs.
///
/// Where each has been judged by a side of its own split, no song that both have was learnt by either, whatever their
/// splits, lengths or networks are. The songs that only one of them has are left out.
public struct Comparison: Sendable {
  /// The difference, and the checkpoint that is subtracted.
  public let difference: PairedDifference
  public let other: String

  /// Collective; every rank returns the same, to the last bit for any number of ranks.
  /// - Throws: `badData` where the two know other tags, have no song in common, or songs carry other tags for each.
  public static func between(
    _ first: Evaluation.Report, _ second: Evaluation.Report, other: String, _ bootstrap: Bootstrap,
    _ communicator: any Communicator
  ) throws -> Comparison {
    let (one, two, metrics) = try communicator.agree {
      var (one, two) = try common(first, second, other: other)
      // Resampled alike they are where the songs have the same artists for both, of whom one source may know nothing.
      two = two.withArtists(of: one)
      return (one, two, [try Self.metrics(of: one), try Self.metrics(of: two)])
    }
    let rows = try communicator.resampled(bootstrap, of: one) { numbers in
      zip(bootstrap.rows(one, resamples: numbers), bootstrap.rows(two, resamples: numbers)).map { $0 - $1 }
    }
    let difference = try communicator.broadcast {
      guard let rows else { throw Failure(.fault, "rank 0 has no resamples") }
      return PairedDifference(one, first: metrics[0], second: metrics[1], rows: rows)
    }
    return Comparison(difference: difference, other: other)
  }

  private static func metrics(of songs: JudgedSongs) throws -> TagMetrics {
    do {
      return try TagMetrics(
        probabilities: songs.probabilities, labels: songs.labels, tagCount: songs.tagCount)
    } catch let error as MetricsError {
      throw Failure(.fault, "the predictions cannot be judged: \(error)")
    }
  }

  /// The songs that both have, in the same order.
  private static func common(
    _ first: Evaluation.Report, _ second: Evaluation.Report, other: String
  ) throws -> (JudgedSongs, JudgedSongs) {
    guard first.tags == second.tags else {
      throw Failure(
        .badData,
        "\(other): knows \(second.tags.count) tags, not the \(first.tags.count) of the checkpoint it is "
          + "compared with", remedy: "compare checkpoints of the same vocabulary")
    }
    let places = Dictionary(
      second.judged.trackIDs.enumerated().map { (ExactText($1), $0) }, uniquingKeysWith: { place, _ in place })
    let pairs = first.judged.trackIDs.enumerated().compactMap { song, trackID in
      places[ExactText(trackID)].map { (song, $0) }
    }
    guard !pairs.isEmpty else {
      throw Failure(
        .badData,
        "\(other): none of its \(second.songs) songs is among the \(first.songs) of the checkpoint it is compared with",
        remedy: "compare runs that were split alike (the same --split and seed)")
    }
    let (one, two) = (first.judged.picked(pairs.map(\.0)), second.judged.picked(pairs.map(\.1)))
    if let song = (0..<one.count).first(where: { !haveSameLabels(one, two, song: $0) }) {
      throw Failure(
        .badData,
        "\(other): \(one.trackIDs[song]) has other tags there than for the checkpoint it is compared with",
        remedy: "compare runs on the same tags, from the same weight on and without --permute-tags")
    }
    return (one, two)
  }

  private static func haveSameLabels(_ one: JudgedSongs, _ two: JudgedSongs, song: Int) -> Bool {
    let row = song * one.tagCount..<(song + 1) * one.tagCount
    return one.labels[row] == two.labels[row]
  }
}
