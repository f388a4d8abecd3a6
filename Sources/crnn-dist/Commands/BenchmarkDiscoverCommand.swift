import ArgumentParser
import MessagePassing
import TrackFiles

/// How the files of a tree are found.
struct BenchmarkDiscoverCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "discover",
    abstract: "Measures how long the ranks take to find the files of a tree, which lists what, and the memory.",
    discussion: """
      Example:
        mpirun -np 2 crnn-dist benchmark discover --msd MSD/data

      Each folder is listed by one rank of the job. No file is opened.
      """)

  @Option(help: "The tree of track files.")
  var msd: String

  @Flag(help: "Print one JSON object.")
  var json = false

  func run() throws {
    MPIProgram.run { communicator in
      let result = DiscoveryResult(try DiscoveryBenchmark(trackFiles: msd).run(communicator))
      guard communicator.isRoot else { return }
      if json { try printJSON(result) } else { print(result.text) }
    }
  }
}

private struct DiscoveryResult: Inspection {
  let files: Int
  let seconds: Double
  let filesPerSecond: Double
  let foldersByRank: [Int]
  let memoryBytesByRank: [Int]

  enum CodingKeys: String, CodingKey {
    case files
    case seconds
    case filesPerSecond = "files_per_second"
    case foldersByRank = "folders_by_rank"
    case memoryBytesByRank = "memory_bytes_by_rank"
  }

  init(_ report: DiscoveryBenchmark.Report) {
    files = report.files
    seconds = report.seconds
    filesPerSecond = Double(files) / max(seconds, 1e-9)
    foldersByRank = report.foldersByRank
    memoryBytesByRank = report.memoryByRank
  }

  var text: String {
    table([
      ("track files", "\(files)"), ("files/s", "\(Int(filesPerSecond.rounded()))"),
      ("folders of each rank", foldersByRank.map(String.init).joined(separator: " ")),
      ("memory of each rank", memoryBytesByRank.map { "\($0 >> 20) MiB" }.joined(separator: " ")),
    ])
  }
}
