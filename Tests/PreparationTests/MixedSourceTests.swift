import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Preparation
import Snapshots
import TestTracks
import Testing

/// Aggregates among files of one song, and lists of both.
@Suite struct MixedSourceTests {
  /// Single songs 0, 2, 9 and, in `A/TRAAAAA00000000001x.h5`, an aggregate of the songs 20, 7, 2 (once more), 21.
  private func mixedTree() throws -> TestSongs {
    let songs = try TestSongs()
    for number in [0, 2, 9] { try songs.add(TestTrack(trackID: TestSongs.trackID(number), segments: 20)) }
    let aggregate = TestAggregate(
      songs: [20, 7, 2, 21].map {
        TestAggregate.Song(trackID: TestSongs.trackID($0), segments: $0 == 7 ? 25 : 20, thousandths: $0)
      })
    try songs.folder.write(try aggregate.image(), to: "msd/A/\(TestSongs.trackID(1))x.h5")
    for number in [0, 2, 7, 9, 20, 21] {
      try songs.add(record: TestSongs.trackID(number), tags: #"["rock", "1"]"#)
    }
    return songs
  }

  private func prepare(_ songs: TestSongs, msd: String? = nil, lastFM: String? = nil, isStrict: Bool = false)
    throws -> (
      PreparationReport, Snapshot
    )
  {
    let options = PreparationOptions(
      trackFiles: msd ?? songs.msd, lastFMTags: lastFM ?? songs.lastfm, segments: 20, isStrict: isStrict)
    let path = songs.folder.path + "/songs.h5"
    let reports = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: path, replacing: true, communicator: $0)
    }
    return (reports[0], try Snapshot.open(path))
  }

  @Test func everySongOfAnAggregateCountsAndStandsInItsFilesPlace() throws {
    let songs = try mixedTree()
    let (report, snapshot) = try prepare(songs)
    #expect(report.counts.funnel == Funnel(files: 7, read: 6, joined: 6, longEnough: 6, tagged: 6))
    // Of two songs with one id the first counts, and the aggregate comes before the file of song 2.
    #expect(Array(snapshot.trackIDs) == [0, 20, 7, 2, 21, 9].map(TestSongs.trackID))
    #expect(report.counts.duplicates == 1)
    #expect(report.skipped.map(\.path) == ["\(songs.msd)/A/A/A/\(TestSongs.trackID(2)).h5"])
    #expect(report.counts.misnamed == 0)
    guard case .thousandths(let values) = try snapshot.values(of: .pitches, songs: 1..<4) else {
      Issue.record("floats")
      return
    }
    #expect(values == [20, 7, 2].flatMap { Array(repeating: UInt16($0), count: 240) })
  }

  @Test func aBadSongOfAnAggregateIsListedWithItsRowAndTheOthersAreKept() throws {
    let songs = try TestSongs()
    var aggregate = TestAggregate(
      songs: (0..<6).map { TestAggregate.Song(trackID: TestSongs.trackID($0), segments: 20) })
    aggregate.songs[1].thousandths = 2000
    aggregate.songs[4].trackID = "TRnone"
    try songs.folder.write(try aggregate.image(), to: "msd/all.h5")
    try songs.folder.write(try TestAggregate(songs: []).image(), to: "msd/none.h5")
    for number in 0..<6 { try songs.add(record: TestSongs.trackID(number), tags: #"["rock", "1"]"#) }
    let (report, snapshot) = try prepare(songs)
    #expect(Array(snapshot.trackIDs) == [0, 2, 3, 5].map(TestSongs.trackID))
    #expect(report.counts.funnel.files == 7 && report.counts.badFiles == 3)
    #expect(
      report.skipped.map(\.path) == ["\(songs.msd)/all.h5[1]", "\(songs.msd)/all.h5[4]", "\(songs.msd)/none.h5"])
    let failure = #expect(throws: Failure.self) { try prepare(songs, isStrict: true) }
    #expect(failure?.message.contains("none.h5: ") == true)
  }

  @Test func aListNamesFilesAndFoldersFromWhereItStands() throws {
    let songs = try mixedTree()
    try songs.folder.write(
      """
      # songs to train on
      ../msd/A/\(TestSongs.trackID(1))x.h5

      \(songs.msd)/A/A/A/\(TestSongs.trackID(9)).h5\r
      ../msd/A/A/A/./\(TestSongs.trackID(0)).h5
        ../msd/A/A/A/\(TestSongs.trackID(0)).h5
      gone.h5
      more/
      """, to: "lists/songs.txt")
    try songs.folder.write(
      try TestTrack(trackID: TestSongs.trackID(30), segments: 20).image(),
      to: "lists/more/x/\(TestSongs.trackID(30)).h5")
    let (report, snapshot) = try prepare(songs, msd: songs.folder.path + "/lists/songs.txt")
    #expect(Array(snapshot.trackIDs) == [0, 20, 7, 2, 21, 9].map(TestSongs.trackID))
    #expect(report.counts.funnel.files == 8 && report.counts.withoutRecord == 1)
    #expect(
      report.skipped == [
        SkippedFile(path: songs.folder.path + "/lists/gone.h5", cause: "No such file or directory")
      ])
  }

  @Test func oneFileIsASourceWhateverItsName() throws {
    let songs = try TestSongs()
    let path = try songs.folder.write(
      try TestTrack(trackID: TestSongs.trackID(3), segments: 20).image(), to: "song.hdf")
    try songs.add(record: TestSongs.trackID(3), tags: #"["rock", "1"]"#)
    let (report, snapshot) = try prepare(songs, msd: path)
    #expect(Array(snapshot.trackIDs) == [TestSongs.trackID(3)])
    let record = "\(songs.lastfm)/A/A/A/\(TestSongs.trackID(3)).json"
    #expect(try prepare(songs, msd: path, lastFM: record).1.trackIDs == [TestSongs.trackID(3)])
    #expect(report.counts.misnamed == 1)
  }

  @Test(arguments: [
    ("# nothing\n\n", "names no track file"), ("", "names no track file"),
    ("a\u{0}b\n", "line 1 is not UTF-8 text"),
  ])
  func aListThatNamesNothingIsBadData(text: String, message: String) throws {
    let songs = try mixedTree()
    let list = try songs.folder.write(text, to: "songs.txt")
    let failure = #expect(throws: Failure.self) { try prepare(songs, msd: list) }
    #expect(failure?.kind == .badData && failure?.message.contains("\(list): ") == true)
    #expect(failure?.message.contains(message) == true)
  }
}
