import FileTrees
import MessagePassing
import Sampling

/// Where a song is: a file, and in a file of many songs its row.
public struct SongLocation: Hashable, Sendable, CustomStringConvertible {
  public var path: String
  /// The row of `/metadata/songs` and `/analysis/songs` in an aggregate, from 0; nil for the only song of a file.
  public var row: Int?

  public init(_ path: String, row: Int? = nil) {
    self.path = path
    self.row = row
  }

  /// `A/B/C/TR….h5`, or `aggregate.h5[17]`.
  public var description: String { row.map { "\(path)[\($0)]" } ?? path }
}
