import Kernels

/// The shape of what one layer hands to the next, of a single song.
public struct SignalShape: Equatable, Sendable {
  /// Rows of a map; 1 for a sequence.
  public var rows: Int
  /// Columns of the longest song, which are its steps in time; nil where time has been summed up: a song is one row
  /// of channels then.
  public var columns: Int?
  /// Channels at each position.
  public var channels: Int

  public init(rows: Int = 1, columns: Int?, channels: Int) {
    self.rows = rows
    self.columns = columns
    self.channels = channels
  }

  /// `[row, column, channel]`, as a summary shows a map.
  package var mapAxes: [Int] { [rows, columns ?? 1, channels] }
}
