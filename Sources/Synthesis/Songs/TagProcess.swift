import Foundation
import Tags

/// How tags follow from traits: each tag has the probability logistic(intercept + weights · traits), and given the
/// traits the tags are drawn independently.
///
/// Each tag depends on two of the traits, which are 1 or -1 with equal chance, so its mean over all songs is a
/// mean over four cases; the intercept is solved for the tag's stated base rate. Nothing depends on the seed.
public struct TagProcess: Sendable {
  public struct Tag: Sendable, Encodable, Equatable {
    public let name: String
    /// The share of all songs that have the tag.
    public let baseRate: Double
    public let intercept: Double
    /// One weight a trait, in the order of `Trait`.
    public let weights: [Double]
  }

  public let tags: [Tag]

  /// The first tag's base rate; the tag of rank r (from 1) has this times r^-decay.
  static let firstRate = 0.5
  static let decay = 0.4
  /// The weights of a tag's first and second trait.
  static let firstWeight = 1.8
  static let secondWeight = 0.9

  /// The process over a vocabulary, most frequent tag first.
  public init(_ vocabulary: Vocabulary = .paper) {
    let traits = Trait.allCases.count
    tags = vocabulary.names.enumerated().map { index, name in
      let round = index / traits
      let first = index % traits
      let second = (first + 1 + round % (traits - 1)) % traits
      var weights = [Double](repeating: 0, count: traits)
      weights[first] = round % 2 == 0 ? Self.firstWeight : -Self.firstWeight
      weights[second] = index / (2 * traits) % 2 == 0 ? Self.secondWeight : -Self.secondWeight
      let rate = Self.firstRate * pow(Double(index + 1), -Self.decay)
      return Tag(name: name, baseRate: rate, intercept: Self.intercept(rate: rate), weights: weights)
    }
  }

  /// Each tag's probability for a song with these traits: the best that any model can know.
  public func probabilities(_ traits: [Double]) -> [Double] {
    tags.map { tag in
      logistic(zip(tag.weights, traits).reduce(tag.intercept) { $0 + $1.0 * $1.1 })
    }
  }

  /// The intercept at which the mean of logistic(intercept ± firstWeight ± secondWeight) is `rate`, by bisection.
  private static func intercept(rate: Double) -> Double {
    let scores = [firstWeight + secondWeight, firstWeight - secondWeight]
    var low = -20.0
    var high = 20.0
    for _ in 0..<60 {
      let middle = (low + high) / 2
      let mean = scores.reduce(0) { $0 + logistic(middle + $1) + logistic(middle - $1) } / 4
      if mean < rate { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }
}

func logistic(_ score: Double) -> Double { 1 / (1 + exp(-score)) }
