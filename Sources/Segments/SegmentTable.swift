import Foundation

/// Values of a song's segments, row by row, and what statistics say of their columns. Where there is no segment, or no
/// step from one to the next, statistics are 0.
package struct SegmentTable {
  private let values: [Double]
  private let width: Int
  private var rows: Int { values.count / width }

  package init(_ values: [Double], width: Int) { (self.values, self.width) = (values, width) }

  func column(_ index: Int) -> [Double] { stride(from: index, to: values.count, by: width).map { values[$0] } }

  func mapRows(_ transform: (ArraySlice<Double>) -> [Double]) -> SegmentTable {
    SegmentTable((0..<rows).flatMap { transform(values[$0 * width..<($0 + 1) * width]) }, width: width)
  }

  /// What each row adds to the one before.
  var steps: SegmentTable {
    SegmentTable(rows < 2 ? [] : (width..<values.count).map { values[$0] - values[$0 - width] }, width: width)
  }

  /// Of each column.
  package var means: [Double] {
    var sums = [Double](repeating: 0, count: width)
    for index in values.indices { sums[index % width] += values[index] }
    return sums.map { $0 / Double(max(rows, 1)) }
  }

  var deviations: [Double] {
    let all = covariances(diagonal: true)
    var place = 0
    return (0..<width).map { column in
      defer { place += width - column }
      return max(0, all[place]).squareRoot()
    }
  }

  /// Of each column: the mean of how far a row is from the one before.
  package var meanSteps: [Double] {
    let steps = steps
    return SegmentTable(steps.values.map(abs), width: width).means
  }

  /// Above the diagonal, row by row, or on it too.
  package func covariances(diagonal: Bool) -> [Double] {
    let means = means
    var sums = [Double](repeating: 0, count: width * width)
    for row in 0..<rows {
      for i in 0..<width {
        let x = values[row * width + i] - means[i]
        for j in i..<width { sums[i * width + j] += x * (values[row * width + j] - means[j]) }
      }
    }
    let count = Double(max(rows, 1))
    return (0..<width).flatMap { i in ((diagonal ? i : i + 1)..<width).map { sums[i * width + $0] / count } }
  }

  /// Means, deviations, covariances of unlike columns, mean steps.
  var moments: [Double] { means + deviations + covariances(diagonal: false) + meanSteps }

  /// Of each column the value below which this share of the values lies, between two of them in proportion.
  package func quantiles(_ share: Double) -> [Double] {
    (0..<width).map { Self.quantile(column($0).sorted(), share) }
  }

  private static func quantile(_ sorted: [Double], _ share: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let place = share * Double(sorted.count - 1)
    let below = Int(place)
    let above = below + 1 < sorted.count ? sorted[below + 1] : last
    return sorted[below] + (place - Double(below)) * (above - sorted[below])
  }

  /// Of the mean product of each row with the one that stands `next` behind it: the sum of all products of columns that
  /// lie 0, 1, … apart, counted in a circle.
  package func diagonals(next: Int) -> [Double] {
    var sums = [Double](repeating: 0, count: width)
    let pairs = max(rows - next, 0)
    for row in 0..<pairs {
      for i in 0..<width {
        let x = values[row * width + i]
        for apart in 0..<width { sums[apart] += x * values[(row + next) * width + (i + apart) % width] }
      }
    }
    return sums.map { $0 / Double(max(pairs, 1)) }
  }

  /// Of a single column: mean, deviation, five percentiles, mean step.
  var summary: [Double] {
    let sorted = values.sorted()
    return means + deviations + [0.05, 0.25, 0.5, 0.75, 0.95].map { Self.quantile(sorted, $0) } + meanSteps
  }
}

func logarithm(_ value: Double) -> Double { log(value) }
