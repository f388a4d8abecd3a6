import Foundation

/// How many segments songs have: the quantiles of 3,612 real files, with geometric interpolation between them,
/// stretched to 4 and 5,000 at the ends.
package enum SongLength {
  static let quantiles: [(share: Double, segments: Double)] = [
    (0, 4), (0.001, 40), (0.01, 167), (0.05, 366), (0.25, 592), (0.5, 754.5), (0.75, 966), (0.95, 1452),
    (0.99, 2159), (0.999, 3400), (1, 5000),
  ]

  /// The number of segments below which a share of all songs lies.
  package static func segments(atShare share: Double) -> Int {
    let upper = quantiles.firstIndex { $0.share >= share } ?? quantiles.count - 1
    guard upper > 0 else { return Int(quantiles[0].segments) }
    let (left, right) = (quantiles[upper - 1], quantiles[upper])
    let position = (share - left.share) / (right.share - left.share)
    return Int((left.segments * pow(right.segments / left.segments, position)).rounded())
  }
}
