import HDF5
import Segments

/// How a snapshot keeps a feature's values. Other features than pitches and timbre are always in single precision.
public enum ValueEncoding: String, Sendable, Codable {
  /// Whole thousandths, without loss for values of three decimals: 16 bits for pitches, 32 for timbre.
  case thousandths
  /// Single precision, where some value has more decimals.
  case float32

  /// Bytes of a value.
  public func bytes(of feature: Feature) -> Int { elementType(of: feature).bytes }

  /// The one that a feature's values are tried in first.
  static func first(for feature: Feature) -> ValueEncoding {
    feature == .pitches || feature == .timbre ? .thousandths : .float32
  }

  func elementType(of feature: Feature) -> ElementType {
    switch (self, feature) {
    case (.thousandths, .pitches): .uint16
    case (.thousandths, .timbre): .int32
    case (.thousandths, _), (.float32, _): .float32
    }
  }
}

extension SegmentValues {
  /// Nothing, of the kind that an encoding has.
  static func none(_ feature: Feature, _ encoding: ValueEncoding) -> SegmentValues {
    switch (encoding, feature) {
    case (.thousandths, .pitches): .thousandths([])
    case (.thousandths, .timbre): .wideThousandths([])
    case (.thousandths, _), (.float32, _): .floats([])
    }
  }
}
