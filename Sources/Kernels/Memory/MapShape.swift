/// A stack of feature maps in memory: `[song][row][column][channel]`, channels padded to whole vectors.
public struct MapShape: Equatable, Sendable {
  public var rows: Int
  public var columns: Int
  public var channels: Int

  public init(rows: Int, columns: Int, channels: Int) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
  }

  /// Floats from one position to the next.
  @inline(__always) public var channelStride: Int { padded(channels) }
  /// Floats from one row to the next.
  @inline(__always) public var rowStride: Int { columns * channelStride }
  /// Floats from one song to the next.
  @inline(__always) public var songStride: Int { rows * rowStride }
  public var positions: Int { rows * columns }
}
