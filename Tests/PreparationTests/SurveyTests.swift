import Diagnosis
import GRDB
import MessagePassing
import Preparation
import Splits
import Tags
import TestFolders
import TestTracks
import Testing

@Suite struct SurveyTests {
  private func prepared(_ songs: TestSongs, _ options: PreparationOptions) throws -> PreparationReport {
    try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(
        options, output: songs.folder.path + "/songs.h5", replacing: true, communicator: $0)
    }[0]
  }

  private func surveyed(_ options: PreparationOptions, ranks: Int, lists: String? = nil) throws -> SongSurvey {
    try InProcessCommunicator.run(size: ranks) { try SongSurvey(options, lists: lists, communicator: $0) }[0]
  }

  @Test(arguments: [1, 3, 20]) func songsAreSurveyedAsTheyArePrepared(ranks: Int) throws {
    let songs = try TestSongs.withEveryLoss()
    let options = PreparationOptions(
      trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20, minimumTagWeight: 5)
    let report = try prepared(songs, options)
    let survey = try surveyed(options, ranks: ranks, lists: songs.folder.path + "/told")
    #expect(survey.counts == report.counts && survey.distribution == report.distribution)
    #expect(survey.skipped == report.skipped && survey.mismatches == report.mismatches)
    #expect(survey.vocabulary == report.vocabulary && survey.join == .paper)
    #expect(survey.funnel(for: 20) == report.counts.funnel)
    for list in ["skipped", "mismatches"] {
      #expect(
        try songs.folder.read("told.\(list).tsv") == songs.folder.read("songs.h5.\(list).tsv"), "list of \(list)")
    }
    // One reading tells what other lengths would leave.
    for segments in [1, 19, 24, 27] {
      var other = options
      other.segments = .count(segments)
      #expect(try survey.funnel(for: .count(segments)) == prepared(songs, other).counts.funnel)
    }
  }

  @Test func countedTagsAreThoseOfThePreparation() throws {
    let songs = try TestSongs.withEveryLoss()
    let options = PreparationOptions(
      trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20, tags: .top(1),
      split: try SplitRule("random:0.5"),
      seed: 3)
    let survey = try surveyed(options, ranks: 3)
    #expect(try survey.vocabulary == prepared(songs, options).vocabulary)
    #expect(survey.funnel(for: 20).tagged > 0)
  }

  @Test func withoutTagsSongsAreReadAllTheSame() throws {
    let songs = try TestSongs.withEveryLoss()
    let survey = try surveyed(
      PreparationOptions(trackFiles: songs.msd, lastFMTags: nil, segments: 20), ranks: 2)
    #expect(survey.vocabulary == nil && survey.join == nil)
    #expect(survey.counts.funnel.files == 16 && survey.counts.funnel.read == 13)
    #expect(survey.counts.badFiles == 2 && survey.counts.duplicates == 1)
    #expect(survey.distribution.songs(withAtLeast: 25).read == 7)
  }

  @Test func whatIsSaidOfTagsAsksForThem() throws {
    let songs = try TestSongs.withEveryLoss()
    var options = PreparationOptions(trackFiles: songs.msd, lastFMTags: nil, segments: 20)
    options.join = .paper
    let failure = #expect(throws: Failure.self) { try surveyed(options, ranks: 1) }
    #expect(failure?.kind == .usage && failure?.description.contains("--lastfm") == true)
  }

  // MARK: Tags

  private func tags(_ songs: TestSongs, minimumWeight: Double = 0, ranks: Int) throws -> TagSurvey {
    try InProcessCommunicator.run(size: ranks) {
      try TagSurvey(
        of: LastFMTree(discoveredAt: songs.lastfm, communicator: $0), minimumWeight: minimumWeight,
        communicator: $0)
    }[0]
  }

  @Test(arguments: [1, 3, 20]) func recordsAreCountedAndTheirTags(ranks: Int) throws {
    let songs = try TestSongs()
    try songs.add(record: TestSongs.trackID(0), tags: #"["rock", "100"], ["pop", "3"]"#)
    try songs.add(record: TestSongs.trackID(1), tags: "")
    try songs.add(record: TestSongs.trackID(2), tags: #"["pop", "9"], ["pop", "50"], ["ärger", "50"]"#)
    try songs.folder.write("[]", to: "lastfm/\(TestSongs.trackID(3)).json")
    let survey = try tags(songs, ranks: ranks)
    #expect((survey.read, survey.withTags, survey.pairs, survey.bad) == (3, 2, 4, 1))
    #expect(survey.tags.map(\.name) == ["pop", "rock", "ärger"] && survey.tags.map(\.records) == [2, 1, 1])
    #expect(survey.skipped.map(\.path) == ["\(songs.lastfm)/\(TestSongs.trackID(3)).json"])
    let heavy = try tags(songs, minimumWeight: 51, ranks: ranks)
    #expect((heavy.read, heavy.withTags) == (3, 1) && heavy.tags.map(\.name) == ["rock"])
  }

  @Test(arguments: [1, 2, 7]) func aDatabaseIsListedTrackByTrack(ranks: Int) throws {
    let songs = try TestSongs()
    let path = songs.folder.path + "/lastfm_tags.db"
    try DatabaseQueue(path: path).write { database in
      try database.execute(sql: "CREATE TABLE tids (tid TEXT); CREATE TABLE tags (tag TEXT)")
      try database.execute(sql: "CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT)")
      try database.execute(sql: "INSERT INTO tags VALUES ('rock'), ('pop')")
      for number in 0..<5 {
        try database.execute(sql: "INSERT INTO tids VALUES (?)", arguments: [TestSongs.trackID(number)])
      }
      // A gap in the rows' numbers, a track without a name, one with a tag that is none.
      try database.execute(
        sql: "INSERT INTO tids (rowid, tid) VALUES (900, ?), (901, NULL)", arguments: [TestSongs.trackID(9)])
      try database.execute(
        sql: "INSERT INTO tid_tag VALUES (1, 1, 100), (2, 1, 7), (2, 2, 3), (900, 2, 60), (4, 9, 1)")
    }
    let survey = try InProcessCommunicator.run(size: ranks) {
      try TagSurvey(of: LastFMDatabase(path), minimumWeight: 0, communicator: $0)
    }[0]
    #expect((survey.read, survey.withTags, survey.pairs, survey.bad) == (5, 3, 4, 2))
    #expect(survey.tags.map(\.name) == ["pop", "rock"] && survey.tags.map(\.records) == [2, 2])
    #expect(survey.skipped.count == 2 && survey.skipped.contains { $0.cause.contains("901") })
  }
}
