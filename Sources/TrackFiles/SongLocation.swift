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

extension SongLocation {
  /// The songs of some track files, in order: those of aggregates row by row, others as they are, bad ones too. Each
  /// rank looks at its share of the files. Collective.
  public static func songs(in paths: [String], communicator: any Communicator) throws -> [SongLocation] {
    let stream = TrackStream(TrackReader(segments: 0))
    let own = paths[share(of: paths.indices, rank: communicator.rank, size: communicator.size)]
    stream.add(Array(own))
    let counts = stream.map { if case .success(.aggregate(let songs)) = $0.result { songs } else { 0 } }
    let all = try communicator.allgather(counts).flatMap { $0 }
    return zip(paths, all).flatMap { path, songs in
      songs == 0 ? [SongLocation(path)] : (0..<songs).map { SongLocation(path, row: $0) }
    }
  }
}
