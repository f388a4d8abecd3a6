import ArgumentParser
import Foundation
import MessagePassing
import Segments
import TrackFiles

/// How fast tracks are read.
struct BenchmarkReadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read",
    abstract: "Measures how many track files a second the ranks read and check, from a warm page cache.",
    discussion: """
      Example:
        mpirun -np 2 crnn-dist benchmark read --msd MSD/data

      Of each file the track id, title, artist and the first segments' pitches are read. The tree is read once \
      without measuring, then --repetitions times; the median counts.
      """)

  @Option(help: "The tree of track files.")
  var msd: String

  @Option(help: "Segments read of each song.")
  var segments = 252

  @Option(help: "Measured readings of the whole tree.")
  var repetitions = 5

  @Flag(help: "Read in the rank's own process instead of one beside it, to see what that costs or gains.")
  var inProcess = false

  @Flag(help: "Print one JSON object.")
  var json = false

  func validate() throws {
    guard (1...1000).contains(repetitions) else {
      throw ValidationError("--repetitions is \(repetitions); expected 1 to 1000")
    }
    guard SegmentLimits.taken.contains(segments) else {
      throw ValidationError("--segments is \(segments); expected 1 to \(SegmentLimits.taken.upperBound)")
    }
  }

  func run() throws {
    MPIProgram.run { communicator in
      var benchmark = ReadBenchmark(trackFiles: msd)
      benchmark.segments = segments
      benchmark.repetitions = repetitions
      benchmark.isIsolated = !inProcess
      let result = ReadResult(try benchmark.run(communicator), segments: segments)
      guard communicator.isRoot else { return }
      if json { try printJSON(result) } else { print(result.text) }
    }
  }
}

private struct ReadResult: Inspection {
  let tracksPerSecond: Double
  let slowest: Double
  let fastest: Double
  let tracksPerSecondByRank: [Double]
  let worldSize: Int
  let files: Int
  let badFiles: Int
  let segments: Int

  enum CodingKeys: String, CodingKey {
    case tracksPerSecond = "tracks_per_second"
    case slowest = "tracks_per_second_slowest"
    case fastest = "tracks_per_second_fastest"
    case tracksPerSecondByRank = "tracks_per_second_by_rank"
    case worldSize = "world_size"
    case files
    case badFiles = "bad_files"
    case segments
  }

  init(_ report: ReadBenchmark.Report, segments: Int) {
    tracksPerSecond = report.median
    slowest = report.tracksPerSecond.first ?? 0
    fastest = report.tracksPerSecond.last ?? 0
    tracksPerSecondByRank = report.medianByRank
    worldSize = report.filesByRank.count
    files = report.files
    badFiles = report.badFiles
    self.segments = segments
  }

  var text: String {
    func whole(_ number: Double) -> String { String(Int(number.rounded())) }
    return table([
      ("songs", "\(files), \(badFiles) of them bad"), ("segments", "\(segments) of each"),
      ("ranks", "\(worldSize)"),
      ("tracks/s", "\(whole(tracksPerSecond)) (\(whole(slowest)) to \(whole(fastest)))"),
      ("of each rank", tracksPerSecondByRank.map(whole).joined(separator: " ")),
    ])
  }
}
