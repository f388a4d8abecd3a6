/// How numbers are distributed: equal steps from the least to the most. Those that are not finite are left out.
public struct ValueHistogram: Sendable, Equatable {
  public let least: Double
  public let most: Double
  public let count: Int
  public let sum: Double
  public let sumOfSquares: Double
  /// The upper ends of the steps.
  public let limits: [Double]
  public let counts: [Int]

  private static let steps = 30

  /// Nil where no number is finite.
  public init?(_ values: [Float]) {
    let finite = values.filter(\.isFinite)
    guard let low = finite.min(), let high = finite.max() else { return nil }
    (least, most, count) = (Double(low), Double(high), finite.count)
    let width = (most - least) / Double(Self.steps)
    var counts = [Int](repeating: 0, count: width > 0 ? Self.steps : 1)
    var (sum, squares) = (0.0, 0.0)
    for value in finite {
      let value = Double(value)
      counts[width > 0 ? min(Self.steps - 1, Int((value - least) / width)) : 0] += 1
      sum += value
      squares += value * value
    }
    self.counts = counts
    (self.sum, sumOfSquares) = (sum, squares)
    limits = counts.indices.map { $0 == counts.count - 1 ? Double(high) : Double(low) + Double($0 + 1) * width }
  }
}
