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
  public var fewest: Int { count ?? PreparationOptions.fewestOfWholeSong }

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

/// Which of a song's segments are taken, where it has more than are wanted.
public enum Crop: String, Sendable, Codable, CaseIterable {
  /// The first, as in the paper.
  case first
  /// Those in the middle.
  case middle
  /// Others in each epoch.
  case random
}

/// Which segments a reader takes of a song.
public enum SegmentWindow: Sendable, Equatable {
  case none
  /// So many from the start, or all of a shorter song.
  case first(Int)
  /// So many from the middle, or all of a shorter song.
  case middle(Int)

  public func range(of count: Int) -> Range<Int> {
    switch self {
    case .none: 0..<0
    case .first(let wanted): 0..<min(count, wanted)
    case .middle(let wanted): Self.middle(of: count, min(count, wanted))
    }
  }

  /// `wanted` of `count` segments, from the middle; one more stands behind than before where the rest is odd.
  public static func middle(of count: Int, _ wanted: Int) -> Range<Int> {
    let start = (count - wanted) / 2
    return start..<start + wanted
  }
}
