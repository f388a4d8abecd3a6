/// Where a figure may lie with a probability of 95 %.
public struct Interval: Sendable, Equatable, Codable {
  public let lower: Double
  public let upper: Double

  public static let level = 0.95

  public func contains(_ value: Double) -> Bool { lower <= value && value <= upper }

  /// The 2.5th and 97.5th percentile (the percentile bootstrap), between two values by the line through them, as
  /// numpy takes them. Values that are no numbers are left out; nil where all are.
  package init?(percentilesOf values: some Sequence<Double>) {
    let sorted = values.filter { !$0.isNaN }.sorted()
    guard !sorted.isEmpty else { return nil }
    func quantile(_ share: Double) -> Double {
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
    lower = quantile((1 - Self.level) / 2)
    upper = quantile((1 + Self.level) / 2)
  }
}
