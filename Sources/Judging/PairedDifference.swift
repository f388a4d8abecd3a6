import Metrics

/// By how much one method is better than another on the same songs, and how sure that is: both are resampled alike, so
/// that what makes a resample easy or hard for both cancels out.
public struct PairedDifference: Sendable, Equatable, Codable {
  /// A figure's difference: the first method's less the second's.
  public struct Difference: Sendable, Equatable, Codable {
    public let value: Double
    public let interval: Interval

    /// Whether the interval leaves out zero.
    public var isSure: Bool { !interval.contains(0) }
  }

  /// The songs that both judge.
  public let songs: Int
  public let artists: Int
  public let first: TagMetrics
  public let second: TagMetrics
  public let macroROCAUC: Difference?
  public let microROCAUC: Difference?
  public let macroAveragePrecision: Difference?
  /// Each tag's ROC-AUC.
  public let tags: [Difference?]

  /// - Parameters:
  ///   - songs: those that the resamples were drawn from.
  ///   - first: the first method's metrics.
  ///   - second: the second's on the same songs.
  ///   - rows: the first's figures less the second's, of all resamples in order.
  public init(_ songs: JudgedSongs, first: TagMetrics, second: TagMetrics, rows: [Double]) {
    let resampled = ResampledFigures(rows, tags: songs.tagCount)
    func difference(_ figure: (TagMetrics) -> Double?, _ column: Int) -> Difference? {
      guard let one = figure(first), let other = figure(second), let interval = resampled.interval(column) else {
        return nil
      }
      return Difference(value: one - other, interval: interval)
    }
    let columns = resampled.columns
    self.songs = songs.count
    artists = ArtistClusters(songs.artistIDs).count
    self.first = first
    self.second = second
    macroROCAUC = difference(\.macroROCAUC, columns.macroROCAUC)
    microROCAUC = difference(\.microROCAUC, columns.microROCAUC)
    macroAveragePrecision = difference(\.macroAveragePrecision, columns.macroAveragePrecision)
    tags = (0..<songs.tagCount).map { tag in difference({ $0.tags[tag].rocAUC }, columns.rocAUC(tag)) }
  }
}
