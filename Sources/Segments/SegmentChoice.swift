/// How many segments of each song are taken: a number, or all that it has.
public enum SegmentChoice: Sendable, Equatable, LosslessStringConvertible, ExpressibleByIntegerLiteral {
  case all
  case count(Int)

  public init(integerLiteral count: Int) { self = .count(count) }

  /// Nil where the text is neither `all` nor a whole number.
  public init?(_ text: String) {
    if text == "all" {
      self = .all
    } else if let count = Int(text) {
      self = .count(count)
    } else {
      return nil
    }
  }

  public var description: String {
    switch self {
    case .all: "all"
    case .count(let count): "\(count)"
    }
  }

  /// The segments that a song must have.
  public var fewest: Int { count ?? SegmentLimits.wholeSong.lowerBound }

  /// Nil for whole songs.
  public var count: Int? {
    switch self {
    case .all: nil
    case .count(let count): count
    }
  }
}

/// A number, or the text `all`.
extension SegmentChoice: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let count = try? container.decode(Int.self) {
      self = .count(count)
    } else {
      guard try container.decode(String.self) == "all" else {
        throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected a number or all")
      }
      self = .all
    }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .count(let count): try container.encode(count)
    }
  }
}
