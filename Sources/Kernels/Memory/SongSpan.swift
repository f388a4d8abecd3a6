/// Where one song of a batch lies: the songs' maps stand one after the other, each as wide as its own song, so that
/// no song pays for, or feels, the length of another.
///
/// Columns are counted over the batch; a song's map `[row][column][channel]` starts at
/// `first · rows · channel stride`.
public struct SongSpan: Equatable, Sendable {
  /// Columns of the songs before it.
  public var first: Int
  /// Its own columns.
  public var count: Int

  public init(first: Int, count: Int) {
    self.first = first
    self.count = count
  }

  /// Songs with these numbers of columns, side by side.
  public static func sideBySide(_ counts: [Int]) -> [SongSpan] {
    var first = 0
    return counts.map { count in
      defer { first += count }
      return SongSpan(first: first, count: count)
    }
  }
}

extension MapShape {
  /// Where a song's map starts.
  @inline(__always)
  public func offset(_ song: SongSpan) -> Int { song.first * rows * channelStride }

  /// The shape of one song's map.
  @inline(__always)
  public func shape(of song: SongSpan) -> MapShape {
    MapShape(rows: rows, columns: song.count, channels: channels)
  }
}
