import Diagnosis
import FileTrees
import MessagePassing
import Sampling

/// Measures how fast track files are read: id, title, artist and the first segments' pitches of each, checked.
public struct ReadBenchmark: Sendable {
  public var trackFiles: String
  /// Segments read of each song.
  public var segments = 252
  /// How often the tree is read after a first, unmeasured time that warms the page cache.
  public var repetitions = 5
  /// Whether the files are read in a process of its own, as `prepare` does.
  public var isIsolated = true

  public init(trackFiles: String) { self.trackFiles = trackFiles }

  public struct Report: Sendable {
    /// Songs that all ranks together read each time, bad files among them.
    public let files: Int
    public let badFiles: Int
    /// Seconds of each repetition by rank.
    public let secondsByRank: [[Double]]
    /// Songs of each rank.
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
    let tree = try TrackFileSearch.discover(trackFiles, communicator: communicator)
    let paths = share(of: 0..<tree.count, rank: communicator.rank, size: communicator.size).map(tree.path)
    let files = TrackStream(TrackReader(segments: segments), isolated: isIsolated)
    files.add((0...repetitions).lazy.flatMap { _ in paths }.map { SongLocation($0) })
    let rows = TrackStream(TrackReader(segments: segments), isolated: isIsolated)
    var seconds: [Double] = []
    var count = (songs: 0, bad: 0)
    for repetition in 0...repetitions {
      try communicator.barrier()
      let time = ContinuousClock().measure { count = read(paths.count, from: files, rows) }
      if repetition > 0 { seconds.append(time / .seconds(1)) }
    }
    return Report(
      files: try communicator.allreduce(count.songs, .sum), badFiles: try communicator.allreduce(count.bad, .sum),
      secondsByRank: try communicator.allgather(seconds),
      filesByRank: try communicator.allgather([count.songs]).map { $0[0] })
  }

  /// How many songs there are in the next files, and how many of them are bad; a file that cannot be opened counts as
  /// one.
  private func read(_ fileCount: Int, from files: TrackStream, _ rows: TrackStream) -> (songs: Int, bad: Int) {
    var count = (songs: 0, bad: 0)
    for _ in 0..<fileCount {
      guard let reading = files.next() else { break }
      switch reading.result {
      case .failure: count = (count.songs + 1, count.bad + 1)
      case .success(.song): count.songs += 1
      case .success(.aggregate(let songs)):
        count.songs += songs
        rows.add((0..<songs).lazy.map { SongLocation(reading.location.path, row: $0) })
        for row in rows { if case .failure = row.result { count.bad += 1 } }
      }
    }
    return count
  }
}
