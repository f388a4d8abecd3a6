/// Mean and deviation of each timbre coefficient over the training songs: what is subtracted and divided by.
public struct Standardization: Sendable, Equatable, Codable {
  public var mean: [Float]
  public var deviation: [Float]

  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Whether values can be scaled by it.
  public var isSound: Bool {
    mean.count == Feature.width && deviation.count == Feature.width && mean.allSatisfy(\.isFinite)
      && deviation.allSatisfy { $0 > 0 && $0.isFinite }
  }
}

/// Number of segments, sums and sums of squares of the twelve timbre coefficients.
///
/// A song's are summed segment by segment, those of 64 songs song by song, and those of all blocks of 64 block by
/// block: always in this order, so that the result is the same to the last bit whoever has summed what.
package struct TimbreSums: Sendable, Equatable {
  package static let count = 1 + 2 * Feature.width
  /// Songs whose sums are taken together.
  package static let songsOfBlock = 64

  package private(set) var values: [Double]

  package init() { values = [Double](repeating: 0, count: TimbreSums.count) }

  /// - Parameter values: `count` numbers.
  package init(values: some Collection<Double>) { self.values = Array(values) }

  /// Of a song's segments.
  package init(_ song: SegmentValues) {
    self.init()
    let floats = song.floats
    for (position, value) in floats.enumerated() {
      let coefficient = position % Feature.width
      values[1 + coefficient] += Double(value)
      values[1 + Feature.width + coefficient] += Double(value) * Double(value)
    }
    values[0] = Double(floats.count / Feature.width)
  }

  package static func += (total: inout TimbreSums, more: TimbreSums) {
    for index in total.values.indices { total.values[index] += more.values[index] }
  }

  package var standardization: Standardization {
    let segments = max(values[0], 1)
    let means = values[1...Feature.width].map { $0 / segments }
    let deviations = means.indices.map { index -> Float in
      let variance = values[1 + Feature.width + index] / segments - means[index] * means[index]
      // A coefficient that never changes tells nothing; dividing by what rounding left would make it shout.
      return variance > 1e-6 ? Float(variance.squareRoot()) : 1
    }
    return Standardization(mean: means.map { Float($0) }, deviation: deviations)
  }
}

/// Sums songs that come one by one, in the order of `TimbreSums`.
package struct TimbreTotal {
  private var total = TimbreSums()
  private var block = TimbreSums()
  private var songsInBlock = 0

  package init() {}

  package mutating func add(_ song: TimbreSums) {
    block += song
    songsInBlock += 1
    if songsInBlock == TimbreSums.songsOfBlock { close() }
  }

  private mutating func close() {
    total += block
    block = TimbreSums()
    songsInBlock = 0
  }

  /// When all songs are in.
  package mutating func standardization() -> Standardization {
    if songsInBlock > 0 { close() }
    return total.standardization
  }
}
