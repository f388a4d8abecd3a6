import Diagnosis
import FileTrees
import Foundation
import MessagePassing
import Preparation
import Snapshots
import Tags
import TestFolders
import TestTracks
import Testing
import TrackFiles

@Suite struct PreparationTests {
  private func prepare(_ songs: TestSongs, _ change: (inout PreparationOptions) -> Void = { _ in }) throws
    -> (report: PreparationReport, path: String)
  {
    var options = PreparationOptions(trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20)
    change(&options)
    let path = songs.folder.path + "/songs.h5"
    let fixed = options
    let reports = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(fixed, output: path, replacing: true, communicator: $0)
    }
    return (reports[0], path)
  }

  @Test func everyLossIsCountedAtItsStep() throws {
    let songs = try TestSongs.withEveryLoss()
    let (report, path) = try prepare(songs)
    #expect(report.counts.funnel == Funnel(files: 16, read: 13, joined: 10, longEnough: 9, tagged: 8))
    #expect(report.counts.badFiles == 2)
    #expect(report.counts.duplicates == 1)
    #expect(report.counts.misnamed == 0)
    #expect(report.counts.withoutRecord == 1)
    #expect(report.counts.badRecords == 1)
    #expect(report.counts.mismatched == 1)
    #expect(report.counts.tooShort == 1)
    #expect(report.counts.untagged == 1)
    #expect(
      report.distribution.songs(withAtLeast: 0) == SegmentDistribution.Songs(read: 13, joined: 10, tagged: 9))
    #expect(report.distribution.songs(withAtLeast: 25).tagged == 3)

    let skipped = try String(contentsOfFile: path + ".skipped.tsv", encoding: .utf8)
    let lines = skipped.split(separator: "\n").map { $0.split(separator: "\t").map(String.init) }
    #expect(lines.allSatisfy { $0.count == 2 })
    #expect(lines.contains { $0[0].hasSuffix(TestSongs.trackID(9) + ".h5") && $0[1].contains("expected 0 to 1") })
    #expect(
      lines.contains { $0[0].hasSuffix(TestSongs.trackID(14) + ".h5") && $0[1].contains("not an HDF5 file") })
    #expect(lines.contains { $0[0].hasSuffix(TestSongs.trackID(13) + ".json") && $0[1] == "is not JSON" })
    #expect(lines.contains { $0[0].hasSuffix("copies/Z.h5") && $0[1].contains(TestSongs.trackID(0)) })
    #expect(lines.count == 4)
    let mismatches = try String(contentsOfFile: path + ".mismatches.tsv", encoding: .utf8)
    #expect(
      mismatches.split(separator: "\n").last == "\(TestSongs.trackID(10))\ttitle\tArtist\tArtist\tTitle\ttitle")
  }

  @Test func theSnapshotHoldsTheFilesValuesInTheOrderOfTrackIDs() throws {
    let songs = try TestSongs.withEveryLoss()
    let (report, path) = try prepare(songs)
    let snapshot = try Snapshot.open(path)
    #expect(snapshot.songCount == 8)
    #expect(Array(snapshot.trackIDs) == (0..<8).map(TestSongs.trackID))
    #expect(Array(snapshot.artistIDs) == (0..<8).map { "AR\($0 / 2)" })
    #expect(Array(snapshot.titles) == Array(repeating: "Title", count: 8))
    #expect(snapshot.segments == 20)
    #expect(snapshot.tags == Vocabulary.paper.names)
    #expect(snapshot.funnel == report.counts.funnel)
    #expect(snapshot.record.counts == report.counts)
    #expect(snapshot.record.distribution == report.distribution)
    #expect(snapshot.encodings == [.pitches: .thousandths])
    for song in 0..<8 {
      let labels = snapshot.labels[song * 50..<(song + 1) * 50]
      #expect(Array(labels.prefix(2)) == [1, song % 2 == 0 ? 1 : 0])
      #expect(labels.reduce(0, +) == (song % 2 == 0 ? 2 : 1))
    }
    let floats = try snapshot.values(of: .pitches, songs: 2..<5).floats
    #expect(Array(floats[240..<480]) == (0..<240).map { Float(Double($0 % 1001) / 1000) })
  }

  @Test func moreThanThreeDecimalsAreKeptAsFloats() throws {
    let songs = try TestSongs()
    for number in 0..<3 {
      var track = TestTrack(trackID: TestSongs.trackID(number), segments: 20)
      if number == 1 { track.pitch = { segment, pitchClass in Double(segment * 12 + pitchClass) / 240 } }
      try songs.add(track)
      try songs.add(record: track.trackID, tags: #"["rock", "1"]"#)
    }
    let (report, path) = try prepare(songs)
    #expect(report.encodings == [.pitches: .float32])
    let snapshot = try Snapshot.open(path)
    let floats = try snapshot.values(of: .pitches, songs: 0..<3).floats
    #expect(Array(floats[240..<480]) == (0..<240).map { Float(Double($0) / 240) })
    #expect(Array(floats[..<240]) == (0..<240).map { Float(Double($0) / 1000) })
  }

  @Test func aStrictRunStopsAtABadFileAndLeavesNothing() throws {
    let songs = try TestSongs.withEveryLoss()
    let failure = #expect(throws: Failure.self) { try prepare(songs) { $0.isStrict = true } }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains(TestSongs.trackID(9)) == true)
    let left = try FileManager.default.contentsOfDirectory(atPath: songs.folder.path)
    #expect(left.sorted() == ["lastfm", "msd"])
  }

  @Test func noSongLeftIsBadDataAndTellsTheFunnel() throws {
    let songs = try TestSongs.withEveryLoss()
    let failure = #expect(throws: Failure.self) { try prepare(songs) { $0.segments = 1000 } }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains("16 files, 13 read, 10 joined, 0 long enough, 0 with a tag") == true)
    #expect(!FileManager.default.fileExists(atPath: songs.folder.path + "/songs.h5"))
  }

  @Test func missingAndEmptyTreesAreToldApart() throws {
    let songs = try TestSongs.withEveryLoss()
    try songs.folder.write("", to: "empty/readme.txt")
    for (kind, change): (Failure.Kind, (inout PreparationOptions) -> Void) in [
      (.missingInput, { $0.trackFiles = songs.folder.path + "/none" }),
      (.missingInput, { $0.lastFMTags = songs.folder.path + "/none" }),
      (.badData, { $0.trackFiles = songs.folder.path + "/empty" }),
      (.badData, { $0.lastFMTags = songs.folder.path + "/empty" }),
      (.usage, { $0.segments = 0 }),
    ] {
      #expect(#expect(throws: Failure.self) { try prepare(songs, change) }?.kind == kind)
    }
  }

  @Test func badTracksAreRefusedWithTheirCause() throws {
    let folder = try TemporaryFolder()
    let id = TestSongs.trackID(1)
    let cases: [(String, (inout TestTrack) -> Void)] = [
      ("/metadata", { $0.leftOut = ["metadata"] }),
      ("no field artist_id", { $0.leftOut = ["artist_id"] }),
      ("segments_pitches", { $0.leftOut = ["segments_pitches"] }),
      ("expected [segments, 12]", { $0.pitchClasses = 11 }),
      ("holds 2 songs, expected one", { $0.songRows = 2 }),
      ("segment 3, pitch class 4 is 1.5", { $0.pitch = { $0 == 3 && $1 == 4 ? 1.5 : 0.5 } }),
      ("is -0.001", { $0.pitch = { _, _ in -0.001 } }),
      ("is inf", { $0.pitch = { _, _ in .infinity } }),
      ("track_id is \"TRXXX\"", { $0.trackID = "TRXXX" }),
    ]
    for (cause, change) in cases {
      var track = TestTrack(trackID: id, segments: 20)
      change(&track)
      let path = try folder.write(try track.image(), to: "\(id).h5")
      let skipped = #expect(throws: SkippedFile.self) { try TrackReader(segments: 10).read(SongLocation(path)) }
      #expect(skipped?.cause.contains(cause) == true, "\(skipped?.cause ?? "none")")
    }
  }

  @Test func theReaderTakesNoMoreSegmentsThanAskedForAndUTF8Names() throws {
    let folder = try TemporaryFolder()
    var track = TestTrack(trackID: TestSongs.trackID(1), segments: 100)
    track.artistName = "Sigur Rós"
    track.pitch = { segment, _ in segment < 50 ? 0.25 : .nan }
    let path = try folder.write(try track.image(), to: "track.h5")
    let read = try TrackReader(segments: 50).read(SongLocation(path))
    #expect(read.artistName == "Sigur Rós")
    #expect(read.segmentCount == 100)
    #expect(read.pitches?.floats == Array(repeating: 0.25, count: 600))
    #expect(try TrackReader(segments: 0).read(SongLocation(path)).pitches == nil)
    #expect(throws: SkippedFile.self) { try TrackReader(segments: nil).read(SongLocation(path)) }
  }
}
