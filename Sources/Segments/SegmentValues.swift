/// A feature's values of whole segments, one segment after the other (or of a spectrogram's frames, a value for each band),
/// as compactly as they can be kept without loss.
public enum SegmentValues: Sendable, Equatable {
  /// Thousandths: the data set's pitches carry three decimals.
  case thousandths([UInt16])
  /// Thousandths of a wider range: its timbre carries three decimals too.
  case wideThousandths([Int32])
  /// The nearest single-precision values, where some value has more decimals.
  case floats([Float])
  /// Half-precision values, bit by bit, as a spectrogram file may hold them.
  case halves([UInt16])

  /// Values, as many for each segment as the feature has.
  public var count: Int {
    switch self {
    case .thousandths(let values): values.count
    case .wideThousandths(let values): values.count
    case .floats(let values): values.count
    case .halves(let values): values.count
    }
  }

  /// The values of some of the segments, of which each has `width`.
  package func segments(_ range: Range<Int>, width: Int) -> SegmentValues {
    func part<Value>(_ values: [Value]) -> [Value] {
      range == 0..<values.count / width
        ? values : Array(values[range.lowerBound * width..<range.upperBound * width])
    }
    return switch self {
    case .thousandths(let values): .thousandths(part(values))
    case .wideThousandths(let values): .wideThousandths(part(values))
    case .floats(let values): .floats(part(values))
    case .halves(let values): .halves(part(values))
    }
  }

  /// Bytes of memory that the values take.
  public var bytes: Int {
    switch self {
    case .thousandths(let values): values.count * 2
    case .wideThousandths(let values): values.count * 4
    case .floats(let values): values.count * 4
    case .halves(let values): values.count * 2
    }
  }

  /// Packs values that lie in the feature's range: pitches and timbre as thousandths where every one of them is the double
  /// nearest to a decimal of three places (−0 counts as 0), else floats. Values outside the range, or that are no numbers, are a
  /// fault of the caller.
  public init(packing values: [Double], of feature: Feature) {
    func thousandths<Integer: FixedWidthInteger>(_ type: Integer.Type) -> [Integer]? {
      var fit = true
      let packed = [Integer](unsafeUninitializedCapacity: values.count) { packed, count in
        for (index, value) in values.enumerated() {
          // Half is added since the conversion rounds towards zero; `rounded` would be a call of the C library.
          let whole = Int32(value * 1000 + (value < 0 ? -0.5 : 0.5))
          fit = fit && Double(whole) / 1000 == value
          packed[index] = Integer(truncatingIfNeeded: whole)
        }
        count = values.count
      }
      return fit ? packed : nil
    }
    switch feature {
    case .pitches: self = thousandths(UInt16.self).map { .thousandths($0) } ?? .floats(values.map { Float($0) })
    case .timbre: self = thousandths(Int32.self).map { .wideThousandths($0) } ?? .floats(values.map { Float($0) })
    case .loudness, .duration, .confidence, .spectrogram: self = .floats(values.map { Float($0) })
    }
  }

  /// The single-precision value of a number of thousandths: the nearest to the double that the file holds.
  @inline(__always)
  public static func float(ofThousandths value: Int32) -> Float { Float(Double(value) / 1000) }

  /// `float(ofThousandths:)` of 0 to 1000, for pitches.
  static let floatsOfThousandths: [Float] = (0...1000).map { float(ofThousandths: $0) }

  /// The value of every pattern of bits in half precision.
  public static let floatsOfHalves: [Float] = (0...UInt16.max).map { bits in
    let fraction = Float(bits & 0x3FF)
    let magnitude: Float =
      switch bits >> 10 & 0x1F {
      case 0: Float(sign: .plus, exponent: -24, significand: fraction)
      case 31: fraction == 0 ? .infinity : .nan
      case let exponent: Float(sign: .plus, exponent: Int(exponent) - 25, significand: 1_024 + fraction)
      }
    return bits >> 15 == 0 ? magnitude : -magnitude
  }

  /// Single-precision values, whichever way they are kept.
  public var floats: [Float] {
    switch self {
    case .thousandths(let values): values.map { Self.floatsOfThousandths[Int(min($0, 1000))] }
    case .wideThousandths(let values): values.map { Self.float(ofThousandths: $0) }
    case .floats(let values): values
    case .halves(let values): values.map { Self.floatsOfHalves[Int($0)] }
    }
  }

  /// Whether all of them can be values of the feature.
  package func fit(_ feature: Feature) -> Bool {
    let range = feature.range
    let thousandths = Int64(range.lowerBound * 1000)...Int64(range.upperBound * 1000)
    return switch self {
    case .thousandths(let values): values.allSatisfy { thousandths.contains(Int64($0)) }
    case .wideThousandths(let values): values.allSatisfy { thousandths.contains(Int64($0)) }
    case .floats(let values): values.allSatisfy { range.contains(Double($0)) }
    case .halves(let values): values.allSatisfy { range.contains(Double(Self.floatsOfHalves[Int($0)])) }
    }
  }
}
