import Diagnosis
import MessagePassing
import Preparation
import Snapshots
import Tags
import TestTracks
import Testing

@Suite struct TagSourceTests {
  private func aggregate() -> TestAggregate {
    TestAggregate(songs: [
      .init(
        trackID: TestSongs.trackID(0), segments: 20, terms: [("rock", 1), ("pop", 0.25)],
        tags: [("rock", 2), ("jazz", 1)]),
      .init(trackID: TestSongs.trackID(1), segments: 20),
      .init(trackID: TestSongs.trackID(2), segments: 20, terms: [("pop", 0.5)]),
      .init(trackID: TestSongs.trackID(3), segments: 20, terms: [("odd", 0.5)], tags: [("pop", 9)]),
    ])
  }

  private func prepare(
    _ image: [UInt8], _ source: TagSource, weight: Double = 0, tags: VocabularyRule = .paper
  ) throws -> (report: PreparationReport, snapshot: Snapshot) {
    let songs = try TestSongs()
    try songs.folder.write(image, to: "msd/songs.h5")
    let options = PreparationOptions(
      trackFiles: songs.msd, lastFMTags: nil, tagSource: source, segments: 20, tags: tags, minimumTagWeight: weight
    )
    let path = songs.folder.path + "/songs.h5"
    let reports = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: path, replacing: true, communicator: $0)
    }
    return (reports[0], try Snapshot.open(path))
  }

  /// Tags of each song that is left, by name.
  private func tags(_ snapshot: Snapshot) -> [String: [String]] {
    Dictionary(
      uniqueKeysWithValues: snapshot.trackIDs.indices.map { song in
        let labels = snapshot.labels[song * snapshot.tags.count..<(song + 1) * snapshot.tags.count]
        return (snapshot.trackIDs[song], zip(snapshot.tags, labels).filter { $0.1 == 1 }.map(\.0))
      })
  }

  @Test func termsOfTheArtistWithTheirWeights() throws {
    let (report, snapshot) = try prepare(try aggregate().image(), .artistTerms)
    #expect(report.counts.funnel == Funnel(files: 4, read: 4, joined: 4, longEnough: 4, tagged: 2))
    #expect(tags(snapshot) == [TestSongs.trackID(0): ["rock", "pop"], TestSongs.trackID(2): ["pop"]])
    #expect(snapshot.record.options.join == nil && snapshot.record.options.lastfm == nil)
    let heavy = try prepare(try aggregate().image(), .artistTerms, weight: 0.5)
    #expect(tags(heavy.snapshot) == [TestSongs.trackID(0): ["rock"], TestSongs.trackID(2): ["pop"]])
  }

  @Test func tagsOfMusicBrainzWithTheirCounts() throws {
    let snapshot = try prepare(try aggregate().image(), .artistMBTags).snapshot
    #expect(tags(snapshot) == [TestSongs.trackID(0): ["rock", "jazz"], TestSongs.trackID(3): ["pop"]])
    let heavy = try prepare(try aggregate().image(), .artistMBTags, weight: 2).snapshot
    #expect(tags(heavy) == [TestSongs.trackID(0): ["rock"], TestSongs.trackID(3): ["pop"]])
  }

  @Test func aFileOfOneSongHoldsAllItsTags() throws {
    var one = aggregate()
    one.songs = [one.songs[0]]
    #expect(tags(try prepare(try one.image(), .artistTerms).snapshot).values.first == ["rock", "pop"])
    #expect(tags(try prepare(try one.image(), .artistMBTags).snapshot).values.first == ["rock", "jazz"])
  }

  @Test func startsOfTagsOutOfOrderAreRefused() throws {
    var wrong = aggregate()
    wrong.starts["idx_artist_terms"] = [0, 2, 1, 3]
    let report = try prepare(try wrong.image(), .artistMBTags).report
    #expect(report.counts.badFiles == 0)
    let failure = #expect(throws: Failure.self) { try prepare(try wrong.image(), .artistTerms) }
    #expect(failure?.message.contains("4 files, 1 read") == true)
  }

  @Test func aSourceInTrackFilesTakesNeitherLastFMNorJoin() throws {
    for (lastFM, join, source) in [
      ("x", nil, .artistTerms), (nil, .paper, .artistMBTags), (nil, nil, .lastFM),
    ] as [(String?, JoinRule?, TagSource)] {
      let failure = #expect(throws: Failure.self) {
        try source.check(lastFM: lastFM, join: join)
      }
      #expect(failure?.kind == .usage)
    }
  }
}
