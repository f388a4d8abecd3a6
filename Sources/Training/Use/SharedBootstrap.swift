import Diagnosis
import Judging
import MessagePassing
import Sampling

extension Communicator {
  /// The intervals of a method's figures, on every rank; nil where no resamples are wanted. Collective: the resamples are
  /// shared among the ranks, and come out the same to the last bit for any number of them.
  func judge(_ songs: JudgedSongs, _ bootstrap: Bootstrap) throws -> Judgement? {
    guard bootstrap.resamples > 0 else { return nil }
    let rows = try resampled(bootstrap, of: songs) { bootstrap.rows(songs, resamples: $0) }
    return try broadcast {
      guard let rows else { throw Failure(.fault, "rank 0 has no resamples") }
      return Judgement(songs, bootstrap, rows: rows)
    }
  }

  /// All resamples' rows in their order on rank 0; nil elsewhere. Collective.
  func resampled(
    _ bootstrap: Bootstrap, of songs: JudgedSongs, _ rows: (_ resamples: Range<Int>) -> [Double]
  ) throws -> [Double]? {
    try agree { try bootstrap.check(songs) }
    return try gather(rows(share(of: 0..<bootstrap.resamples, rank: rank, size: size)))?.flatMap { $0 }
  }
}

extension Bootstrap {
  /// Throws `usage` for more decisions than can be put in order.
  fileprivate func check(_ songs: JudgedSongs) throws {
    guard songs.labels.count > Self.mostDecisions else { return }
    throw Failure(
      .usage,
      "\(songs.count) songs of \(songs.tagCount) tags are \(songs.labels.count) decisions, too many for intervals (at most "
        + "\(Self.mostDecisions))", remedy: "add --resamples 0")
  }
}
