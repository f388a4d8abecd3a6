/// Mean and deviation of each of some values over the training songs: what is subtracted and divided by.
public struct Standardization: Sendable, Equatable, Codable {
  public var mean: [Float]
  public var deviation: [Float]

  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Whether so many values can be scaled by it.
  public func isSound(width: Int) -> Bool {
    mean.count == width && deviation.count == width && mean.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0 > 0 && $0.isFinite }
  }
}

/// Number of rows, sums and sums of squares of each of their values: of a feature's segments, or of whole songs.
///
/// A song's are summed row by row, those of 64 songs song by song, and those of all blocks of 64 block by
/// block: always in this order, so that the result is the same to the last bit whoever has summed what.
package struct FeatureSums: Sendable, Equatable {
  /// Songs whose sums are taken together.
  package static let songsOfBlock = 64

  /// Numbers that the sums of so many values are.
  package static func count(width: Int) -> Int { 1 + 2 * width }

  /// Rows, then sums, then sums of squares.
  package private(set) var values: [Double]
  private var width: Int { values.count / 2 }

  package init(width: Int) { values = [Double](repeating: 0, count: Self.count(width: width)) }

  /// - Parameter values: `count(width:)` numbers.
  package init(values: some Collection<Double>) { self.values = Array(values) }

  /// Of a song's rows, one after the other.
  package init(_ song: [Float], width: Int) {
    self.init(width: width)
    for (position, value) in song.enumerated() {
      let column = position % width
      values[1 + column] += Double(value)
      values[1 + width + column] += Double(value) * Double(value)
    }
    values[0] = Double(song.count / width)
  }

  package static func += (total: inout FeatureSums, more: FeatureSums) {
    for index in total.values.indices { total.values[index] += more.values[index] }
  }

  package var standardization: Standardization {
    let rows = max(values[0], 1)
    let means = values[1...width].map { $0 / rows }
    let deviations = means.indices.map { index -> Float in
      let variance = values[1 + width + index] / rows - means[index] * means[index]
      // A value that never changes tells nothing; dividing by what rounding left would make it shout.
      let least = max(1e-9 * means[index] * means[index], 1e-12)
      return variance > least ? Float(variance.squareRoot()) : 1
    }
    return Standardization(mean: means.map { Float($0) }, deviation: deviations)
  }
}

/// Sums songs that come one by one, in the order of `FeatureSums`.
package struct FeatureTotal {
  private var total: FeatureSums
  private var block: FeatureSums
  private let width: Int
  private var songsInBlock = 0

  package init(width: Int) {
    self.width = width
    (total, block) = (FeatureSums(width: width), FeatureSums(width: width))
  }

  package mutating func add(_ song: FeatureSums) {
    block += song
    songsInBlock += 1
    if songsInBlock == FeatureSums.songsOfBlock { close() }
  }

  private mutating func close() {
    total += block
    block = FeatureSums(width: width)
    songsInBlock = 0
  }

  /// When all songs are in.
  package mutating func standardization() -> Standardization {
    if songsInBlock > 0 { close() }
    return total.standardization
  }
}
