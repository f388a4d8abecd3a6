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
