/// What the analysis of a song says of every segment: 12 values a feature.
public enum Feature: String, Sendable, Codable, CaseIterable {
  /// How strong each of the 12 pitch classes is, 0 to 1.
  case pitches
  /// 12 coefficients of the sound's shape; the first is loudness, the others lie around 0.
  case timbre

  /// Values of a segment.
  public static let width = 12

  /// Values that can be; real timbre stays within a thousand.
  package var range: ClosedRange<Double> {
    switch self {
    case .pitches: 0...1
    case .timbre: -1_000_000...1_000_000
    }
  }

  /// One of the 12, in messages.
  package var valueName: String {
    switch self {
    case .pitches: "pitch class"
    case .timbre: "coefficient"
    }
  }
}

/// Which features a song is judged by: the network's input channels, in this order.
public enum FeatureSelection: String, Sendable, Codable, CaseIterable {
  case pitches, timbre, both

  public var features: [Feature] {
    switch self {
    case .pitches: [.pitches]
    case .timbre: [.timbre]
    case .both: [.pitches, .timbre]
    }
  }

  /// Whether everything that `other` asks for is in it.
  public func contains(_ other: FeatureSelection) -> Bool {
    other.features.allSatisfy(features.contains)
  }
}
