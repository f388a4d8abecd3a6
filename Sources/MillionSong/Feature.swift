import Diagnosis
import HierarchicalData

/// What the analysis of a song says of every segment: 12 values a feature.
public enum Feature: String, Sendable, Codable, CaseIterable {
  /// How strong each of the 12 pitch classes is, 0 to 1.
  case pitches
  /// 12 coefficients of the sound's shape; the first is loudness, the others lie around 0.
  case timbre

  /// Values of a segment.
  public static let width = 12

  /// Where track files have it.
  var trackDataset: String {
    switch self {
    case .pitches: "analysis/segments_pitches"
    case .timbre: "analysis/segments_timbre"
    }
  }

  /// Values that can be; real timbre stays within a thousand.
  var range: ClosedRange<Double> {
    switch self {
    case .pitches: 0...1
    case .timbre: -1_000_000...1_000_000
    }
  }

  /// One of the 12, in messages.
  var valueName: String {
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

/// How a snapshot keeps a feature's values.
public enum ValueEncoding: String, Sendable, Codable {
  /// Whole thousandths, without loss for values of three decimals: 16 bits for pitches, 32 for timbre.
  case thousandths
  /// Single precision, where some value has more decimals.
  case float32

  /// Bytes of a value.
  public func bytes(of feature: Feature) -> Int { elementType(of: feature).bytes }

  func elementType(of feature: Feature) -> ElementType {
    switch (self, feature) {
    case (.thousandths, .pitches): .uint16
    case (.thousandths, .timbre): .int32
    case (.float32, _): .float32
    }
  }
}
