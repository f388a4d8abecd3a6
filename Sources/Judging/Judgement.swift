/// How sure the figures of a method are: their intervals, and what can be said of each tag.
public struct Judgement: Sendable, Equatable, Codable {
  /// Whether a tag is predicted better than by chance.
  public enum Verdict: String, Sendable, Codable {
    /// The interval lies above one half.
    case better = "better_than_chance"
    /// It does not: so far as these songs tell, the tag is not predicted.
    case notBetter = "no_better_than_chance"
    /// Too few artists have the tag, or have it not, for an interval to be trusted.
    case tooFew = "too_few_to_tell"
  }

  public struct Tag: Sendable, Equatable, Codable {
    /// Artists with a song that has the tag; songs of unknown artists count by themselves.
    public let artists: Int
    public let rocAUC: Interval?
    public let averagePrecision: Interval?
    public let verdict: Verdict
  }

  public let bootstrap: Bootstrap
  /// Units that were drawn: artists, and songs of unknown ones.
  public let artists: Int
  public let macroROCAUC: Interval?
  public let microROCAUC: Interval?
  public let macroAveragePrecision: Interval?
  public let tags: [Tag]

  /// Fewer artists than these, and a resample does not know how far the next artist may be from them.
  public static let fewestArtists = 5

  /// - Parameters:
  ///   - songs: those that the resamples were drawn from.
  ///   - bootstrap: what drew them.
  ///   - rows: of all resamples in order.
  public init(_ songs: JudgedSongs, _ bootstrap: Bootstrap, rows: [Double]) {
    let resampled = ResampledFigures(rows, tags: songs.tagCount)
    let columns = resampled.columns
    let clusters = ArtistClusters(songs.artistIDs)
    self.bootstrap = bootstrap
    artists = clusters.count
    macroROCAUC = resampled.interval(columns.macroROCAUC)
    microROCAUC = resampled.interval(columns.microROCAUC)
    macroAveragePrecision = resampled.interval(columns.macroAveragePrecision)
    tags = (0..<songs.tagCount).map { tag in
      let with = clusters.count { songs.labels[$0 * songs.tagCount + tag] != 0 }
      let without = clusters.count { songs.labels[$0 * songs.tagCount + tag] == 0 }
      let interval = with == 0 || without == 0 ? nil : resampled.interval(columns.rocAUC(tag))
      return Tag(
        artists: with, rocAUC: interval,
        averagePrecision: with == 0 ? nil : resampled.interval(columns.averagePrecision(tag)),
        verdict: Self.verdict(interval, artists: min(with, without)))
    }
  }

  private static func verdict(_ interval: Interval?, artists: Int) -> Verdict {
    guard let interval, artists >= fewestArtists else { return .tooFew }
    return interval.lower > 0.5 ? .better : .notBetter
  }
}

/// Figures of resamples, row by row.
struct ResampledFigures {
  let columns: Columns
  private let rows: [Double]

  init(_ rows: [Double], tags: Int) {
    columns = Columns(tags: tags)
    precondition(rows.count % columns.count == 0, "whole rows")
    self.rows = rows
  }

  func interval(_ column: Int) -> Interval? {
    Interval(percentilesOf: stride(from: column, to: rows.count, by: columns.count).map { rows[$0] })
  }
}
