import FileAccess
import FileTrees
import MessagePassing

/// Measures how a tree's files are found: by which rank, in what time, in how much memory.
public struct DiscoveryBenchmark: Sendable {
  public var trackFiles: String

  public init(trackFiles: String) { self.trackFiles = trackFiles }

  public struct Report: Sendable {
    public let files: Int
    public let seconds: Double
    /// Folders that each rank listed.
    public let foldersByRank: [Int]
    /// Bytes by which each rank's peak memory grew.
    public let memoryByRank: [Int]
  }

  /// Collective. Throws `missingInput` and `badData` where there is no such tree or nothing in it.
  public func run(_ communicator: any Communicator) throws -> Report {
    let before = peakResidentBytes()
    try communicator.barrier()
    let start = ContinuousClock().now
    let tree = try TrackFileSearch.discover(trackFiles, communicator: communicator)
    let seconds = (ContinuousClock().now - start) / .seconds(1)
    return Report(
      files: tree.count, seconds: try communicator.allgather([seconds]).map { $0[0] }.max() ?? seconds,
      foldersByRank: try communicator.allgather([tree.foldersListedHere]).map { $0[0] },
      memoryByRank: try communicator.allgather([peakResidentBytes() - before]).map { $0[0] })
  }
}
