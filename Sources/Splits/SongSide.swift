/// A side of a split. A song that is on no list of a split by lists has none.
public enum SongSide: Int, Sendable, Codable, CaseIterable, Comparable {
  case training, validation, test

  /// The side in sentences: `training`.
  public var name: String { "\(self)" }

  /// The side as an option has it: `train`.
  public var word: String { self == .training ? "train" : name }

  public static func < (first: SongSide, second: SongSide) -> Bool { first.rawValue < second.rawValue }
}

/// A value for each side.
struct BySide<Value> {
  private var values: [Value]

  init(_ value: (SongSide) throws -> Value) rethrows { values = try SongSide.allCases.map(value) }

  subscript(side: SongSide) -> Value {
    get { values[side.rawValue] }
    // In place: a side's songs are a long array.
    _modify { yield &values[side.rawValue] }
  }
}

extension BySide: Sendable where Value: Sendable {}
