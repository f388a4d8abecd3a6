/// The side of a song in a snapshot that is divided already.
public enum SongSide: UInt8, Sendable, Codable {
  case training = 0
  case validation = 1
  case test = 2
  /// On no list of a split by lists.
  case none = 3
}

extension Split {
  /// The side of each song, on whatever side all of them are.
  package var songSides: [SongSide] {
    let all = [(train, SongSide.training), (validation, .validation), (test, .test), (unused, .none)]
    var sides = [SongSide](repeating: .none, count: all.reduce(0) { $0 + $1.0.count })
    for (songs, side) in all { for song in songs { sides[song] = side } }
    return sides
  }
}
