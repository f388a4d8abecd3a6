/// Draws resamples of songs and computes what a method's figures would have been on each.
///
/// Resamples are numbered and can be shared out: whoever computes which, the rows together are the same to the bit.
/// A thousand resamples of a thousand songs and fifty tags take well under a second.
public struct Bootstrap: Sendable, Codable, Equatable {
  public var resamples: Int
  public var seed: UInt64

  /// Songs times tags of one table of predictions.
  public static let mostDecisions = Int(UInt32.max)

  public init(resamples: Int = 1_000, seed: UInt64 = 1) {
    self.resamples = resamples
    self.seed = seed
  }

  /// The rows of some resamples, `Columns.count` figures each: not a number where a figure is undefined.
  public func rows(_ songs: JudgedSongs, resamples numbers: Range<Int>) -> [Double] {
    guard !numbers.isEmpty else { return [] }
    let columns = Columns(tags: songs.tagCount)
    let clusters = ArtistClusters(songs.artistIDs)
    let rankings = (0..<songs.tagCount).map { Ranking(songs, tag: $0) }
    let pooled = Ranking(songs, tag: nil)
    var rows = [Double](repeating: .nan, count: numbers.count * columns.count)
    for first in stride(from: numbers.lowerBound, to: numbers.upperBound, by: Lanes.scalarCount) {
      let weights = ResampleWeights(clusters, seed: seed, first: first).ofSong
      let ofTags = rankings.map { $0.figures(weights) }
      let micro = pooled.figures(weights).rocAUC
      for lane in 0..<min(Lanes.scalarCount, numbers.upperBound - first) {
        let row = (first - numbers.lowerBound + lane) * columns.count
        let defined = ofTags.filter { !$0.rocAUC[lane].isNaN }
        rows[row + columns.macroROCAUC] = mean(defined.map { $0.rocAUC[lane] })
        rows[row + columns.macroAveragePrecision] = mean(defined.map { $0.averagePrecision[lane] })
        rows[row + columns.microROCAUC] = micro[lane]
        for (tag, figures) in ofTags.enumerated() {
          rows[row + columns.rocAUC(tag)] = figures.rocAUC[lane]
          rows[row + columns.averagePrecision(tag)] = figures.averagePrecision[lane]
        }
      }
    }
    return rows
  }

  private func mean(_ values: [Double]) -> Double {
    values.isEmpty ? .nan : values.reduce(0, +) / Double(values.count)
  }
}

/// Where the figures of a resample stand in its row.
package struct Columns {
  let tags: Int
  package var count: Int { 3 + 2 * tags }
  package let macroROCAUC = 0
  package let microROCAUC = 1
  package let macroAveragePrecision = 2

  package init(tags: Int) { self.tags = tags }

  package func rocAUC(_ tag: Int) -> Int { 3 + tag }
  package func averagePrecision(_ tag: Int) -> Int { 3 + tags + tag }
}
