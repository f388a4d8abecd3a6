/// Pitches of whole segments, 12 a segment, as compactly as they can be kept without loss.
public enum PitchValues: Sendable, Equatable {
  /// Thousandths: the data set's pitches carry three decimals.
  case thousandths([UInt16])
  /// The nearest single-precision values, where some pitch has more decimals.
  case floats([Float])

  /// Values, 12 for each segment.
  public var count: Int {
    switch self {
    case .thousandths(let values): values.count
    case .floats(let values): values.count
    }
  }

  /// Packs values in [0, 1]: thousandths where every one of them is the double nearest to a decimal of three
  /// places, else floats.
  init(packing values: [Double]) {
    var thousandths = [UInt16](repeating: 0, count: values.count)
    for (index, value) in values.enumerated() {
      let rounded = (value * 1000).rounded()
      guard rounded / 1000 == value else {
        self = .floats(values.map { Float($0) })
        return
      }
      thousandths[index] = UInt16(rounded)
    }
    self = .thousandths(thousandths)
  }

  /// The single-precision value of each number of thousandths: the nearest to the double that the file holds.
  static let floatsOfThousandths: [Float] = (0...1000).map { Float(Double($0) / 1000) }

  /// Single-precision values, whichever way they are kept.
  public var floats: [Float] {
    switch self {
    case .thousandths(let values): values.map { PitchValues.floatsOfThousandths[Int(min($0, 1000))] }
    case .floats(let values): values
    }
  }
}
