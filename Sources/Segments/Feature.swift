/// What is known of a song's course: of every segment that its analysis tells of, 12 values a feature; or of every frame
/// of a spectrogram, a value for each band.
public enum Feature: String, Sendable, Codable {
  /// How strong each of the 12 pitch classes is, 0 to 1.
  case pitches
  /// 12 coefficients of the sound's shape; the first is loudness, the others lie around 0.
  case timbre
  /// The strength of each mel band in decibels: of spectrogram files alone.
  case spectrogram

  /// What track files tell of segments.
  public static let ofSegments = [Feature.pitches, .timbre]

  /// Values of a segment.
  public static let width = 12

  /// Values that can be; real timbre stays within a thousand.
  package var range: ClosedRange<Double> {
    switch self {
    case .pitches: 0...1
    case .timbre, .spectrogram: -1_000_000...1_000_000
    }
  }

  /// One of the 12, in messages.
  package var valueName: String {
    switch self {
    case .pitches: "pitch class"
    case .timbre: "coefficient"
    case .spectrogram: "band"
    }
  }
}

/// Which features a song is judged by: the network's input channels, in this order.
public enum FeatureSelection: String, Sendable, Codable {
  case pitches, timbre, both
  /// Of spectrogram files alone.
  case spectrogram

  /// What can be taken of segments.
  public static let ofSegments = [FeatureSelection.pitches, .timbre, .both]
  public var isOfSegments: Bool { self != .spectrogram }

  public var features: [Feature] {
    switch self {
    case .pitches: [.pitches]
    case .timbre: [.timbre]
    case .both: [.pitches, .timbre]
    case .spectrogram: [.spectrogram]
    }
  }

  /// Whether everything that `other` asks for is in it.
  public func contains(_ other: FeatureSelection) -> Bool {
    other.features.allSatisfy(features.contains)
  }
}
