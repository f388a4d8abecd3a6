import Diagnosis
import MessagePassing
import Sampling

/// Measures how fast track files are read: id, title, artist and the first segments' pitches of each, checked.
public struct ReadBenchmark: Sendable {
  public var trackTree: String
  /// Segments read of each song.
  public var segments = 252
  /// How often the tree is read after a first, unmeasured time that warms the page cache.
  public var repetitions = 5

  public init(trackTree: String) { self.trackTree = trackTree }

  public struct Report: Sendable {
    /// Files that all ranks together read each time, bad ones included.
    public let files: Int
    public let badFiles: Int
    /// Seconds of each repetition by rank.
    public let secondsByRank: [[Double]]
    /// Files of each rank.
    public let filesByRank: [Int]

    /// Tracks a second of all ranks together, each repetition timed by its slowest rank; slowest first.
    public var tracksPerSecond: [Double] {
      let repetitions = secondsByRank.first?.count ?? 0
      return (0..<repetitions).map { repetition in
        Double(files) / max(secondsByRank.map { $0[repetition] }.max() ?? 0, 1e-9)
      }.sorted()
    }

    public var median: Double {
      let speeds = tracksPerSecond
      return speeds.isEmpty ? 0 : speeds[speeds.count / 2]
    }

    /// The median speed of each rank by itself.
    public var medianByRank: [Double] {
      zip(filesByRank, secondsByRank).map { files, seconds in
        seconds.isEmpty ? 0 : Double(files) / max(seconds.sorted()[seconds.count / 2], 1e-9)
      }
    }
  }

  /// Collective. Throws `missingInput` and `badData` where there is no such tree or nothing in it.
  public func run(_ communicator: any Communicator) throws -> Report {
    let tree = try FileTree.discover(
      root: trackTree, suffix: ".h5", purpose: "track tree", communicator: communicator)
    guard tree.count > 0 else {
      throw Failure(.badData, "\(trackTree): an empty track tree: found no .h5 file in it").knownToAllRanks
    }
    let paths = share(of: 0..<tree.count, rank: communicator.rank, size: communicator.size).map(tree.path)
    var seconds: [Double] = []
    var badFiles = 0
    for repetition in 0...repetitions {
      try communicator.barrier()
      badFiles = 0
      let time = ContinuousClock().measure { badFiles = read(paths) }
      if repetition > 0 { seconds.append(time / .seconds(1)) }
    }
    return Report(
      files: tree.count, badFiles: try communicator.allreduce(badFiles, .sum),
      secondsByRank: try communicator.allgather(seconds),
      filesByRank: try communicator.allgather([paths.count]).map { $0[0] })
  }

  /// How many of the files are bad.
  private func read(_ paths: [String]) -> Int {
    let reader = TrackReader(segments: segments)
    return paths.reduce(0) { bad, path in
      do {
        _ = try reader.read(path)
        return bad
      } catch {
        return bad + 1
      }
    }
  }
}
