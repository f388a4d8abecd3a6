import Diagnosis
import MessagePassing
import Preparation
import Segments
import Snapshots
import Splits
import TestTracks
import Testing

/// Vocabularies of the most frequent tags.
@Suite struct CountedVocabularyTests {
  /// Songs with these tags of weight 5; the fourth does not join, the fifth is too short.
  private func songs(_ tags: [[String]]) throws -> TestSongs {
    let songs = try TestSongs()
    for (number, tags) in tags.enumerated() {
      let id = TestSongs.trackID(number)
      var track = TestTrack(trackID: id, segments: number == 4 ? 19 : 20)
      track.artistID = "AR\(number)"
      track.timbre = { Double(number * 7 + $0 * $1 % 5) - 20.125 }
      try songs.add(track)
      try songs.add(
        record: id, title: number == 3 ? "Another" : "Title",
        tags: tags.map { "[\"\($0)\", \"5\"]" }.joined(separator: ", "))
    }
    return songs
  }

  private func list(_ songs: TestSongs, _ name: String, _ numbers: [Int]) throws -> String {
    try songs.folder.write(numbers.map { TestSongs.trackID($0) + "\n" }.joined(), to: name)
  }

  private func prepare(_ songs: TestSongs, _ split: String?, top: Int, weight: Double = 0, seed: UInt64 = 1) throws
    -> (report: PreparationReport, snapshot: Snapshot)
  {
    let options = PreparationOptions(
      trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20, tags: .top(top), minimumTagWeight: weight,
      split: try split.map { try SplitRule($0) }, seed: seed)
    let path = songs.folder.path + "/songs.h5"
    let reports = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: path, replacing: true, communicator: $0)
    }
    return (reports[0], try Snapshot.open(path))
  }

  @Test func onlyTrainingSongsThatWouldBeKeptAreCountedEachOnceForATag() throws {
    let songs = try songs([
      ["b", "a", "z"], ["a", "c", "a"], ["b", "z", ""], ["z", "d"], ["c", "c", "d"], ["c", "x"], ["c"], ["x"],
    ])
    let train = try list(songs, "train.txt", [0, 1, 2, 3, 4])
    let validation = try list(songs, "validation.txt", [5])
    let (report, snapshot) = try prepare(songs, "files:\(train),\(validation)", top: 3)
    // a, b and z twice each; c once, since song 4 is too short and songs 5 and 6 are not for training.
    #expect(report.vocabulary.names == ["a", "b", "z"])
    #expect(report.counts.funnel.tagged == 3 && Array(snapshot.trackIDs) == [0, 1, 2].map(TestSongs.trackID))

    let all = try prepare(songs, "files:\(train),\(validation)", top: 4)
    #expect(all.report.vocabulary.names == ["a", "b", "z", "c"])
    #expect(Array(all.snapshot.trackIDs) == [0, 1, 2, 5, 6].map(TestSongs.trackID))
    let split = try #require(all.snapshot.preparedSplit)
    #expect(split.split == Split(train: [0, 1, 2], validation: [3], test: [], unused: [4]))
    #expect(all.snapshot.record.options.split == split.rule.description)
    #expect(all.report.notes.first?.contains("counted on the 3 training songs") == true)
  }

  @Test func whatValidationSongsAreTaggedWithChangesNothing() throws {
    let tags = (0..<40).map { ["a\($0 % 3)", "b\($0 % 7)"] }
    let first = try prepare(try songs(tags), "artist:0.5/0.3/0.2", top: 4, seed: 9)
    let sides = try #require(first.snapshot.preparedSplit).split
    let outside = Set((sides.validation + sides.test).map { first.snapshot.trackIDs[$0] })
    #expect(outside.count > 5)
    let changed = tags.enumerated().map { number, own in
      outside.contains(TestSongs.trackID(number)) ? own + ["q", "r", "s", "t"] : own
    }
    let second = try prepare(try songs(changed), "artist:0.5/0.3/0.2", top: 4, seed: 9)
    #expect(second.report.vocabulary == first.report.vocabulary)
    let other = try prepare(try songs(changed), "artist:0.5/0.3/0.2", top: 4, seed: 10)
    #expect(other.report.vocabulary != first.report.vocabulary)
  }

  @Test func tagsBelowTheLeastWeightAreNotCounted() throws {
    let songs = try songs([["a"], ["a"], ["a"]])
    #expect(try prepare(songs, nil, top: 2, weight: 5).report.counts.funnel.tagged == 3)
    let failure = #expect(throws: Failure.self) { try prepare(songs, nil, top: 2, weight: 6) }
    #expect(failure?.kind == .badData)
  }

  /// The sides are those that training would give the snapshot's songs; other splits are not refused.
  @Test(arguments: ["random:0.5/0.5", "stratified:0.6/0.2/0.2"])
  func aSplitWithAFixedVocabularyIsTheOneThatTrainingMakes(text: String) throws {
    let songs = try songs((0..<14).map { [["rock", "pop"], ["rock"], ["pop"]][$0 % 3] })
    let rule = try SplitRule(text)
    let path = songs.folder.path + "/songs.h5"
    let options = PreparationOptions(
      trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20, features: .both, split: rule, seed: 9)
    _ = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(options, output: path, replacing: true, communicator: $0)
    }
    let snapshot = try Snapshot.open(path)
    let prepared = try #require(snapshot.preparedSplit)
    let own = try Split(
      rule,
      of: SplitSongs(
        trackIDs: snapshot.trackIDs, artistIDs: snapshot.artistIDs, artistNames: snapshot.artistNames,
        labels: snapshot.labels, tagCount: snapshot.tags.count), seed: 9)
    #expect(snapshot.songCount == 12 && prepared.split == own && prepared.seed == 9 && prepared.isFor(rule))
    try prepared.refuseOther(SplitRule("artist:0.5"), name: "songs.h5")

    var sums = FeatureSums(width: 12)
    for song in own.train {
      sums += FeatureSums(try snapshot.values(of: .timbre, songs: song..<song + 1).floats, width: 12)
    }
    #expect(snapshot.standardization == [.timbre: sums.standardization])
  }

  @Test func anotherSplitThanThePreparedOneIsRefused() throws {
    let songs = try songs([["a"], ["a"], ["b"], ["a"], ["a"], ["b"]])
    let prepared = try #require(try prepare(songs, "random:0.8", top: 2).snapshot.preparedSplit)
    try prepared.refuseOther(SplitRule("random:0.8/0.2"), name: "songs.h5")
    let failure = #expect(throws: Failure.self) {
      try prepared.refuseOther(SplitRule("artist:0.5"), name: "songs.h5")
    }
    #expect(failure?.kind == .badData && failure?.message.contains("songs.h5: ") == true)
  }
}
