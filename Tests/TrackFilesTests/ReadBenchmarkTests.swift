import Diagnosis
import MessagePassing
import TestFolders
import TestTracks
import Testing
import TrackFiles

@Suite struct ReadBenchmarkTests {
  @Test(arguments: [1, 3, 20]) func everyFileIsReadOnceByOneRank(ranks: Int) throws {
    let songs = try TestSongs.withEveryLoss()
    let msd = songs.msd
    let reports = try InProcessCommunicator.run(size: ranks) { communicator in
      var benchmark = ReadBenchmark(trackFiles: msd)
      benchmark.segments = 20
      benchmark.repetitions = 2
      return try benchmark.run(communicator)
    }
    for report in reports {
      // One file holds NaN, one is text.
      #expect((report.files, report.badFiles) == (16, 2))
      #expect(report.filesByRank.count == ranks && report.filesByRank.reduce(0, +) == 16)
      #expect(report.secondsByRank.map(\.count) == Array(repeating: 2, count: ranks))
      #expect(report.median > 0 && report.tracksPerSecond == report.tracksPerSecond.sorted())
    }
  }

  @Test func anEmptyTreeIsBadData() throws {
    let folder = try TemporaryFolder()
    let path = folder.path
    let failure = #expect(throws: Failure.self) {
      try InProcessCommunicator.run(size: 2) { try ReadBenchmark(trackFiles: path).run($0) }
    }
    #expect(failure?.kind == .badData)
  }
}
