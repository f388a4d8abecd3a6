import Diagnosis
import MessagePassing
import Preparation
import Tags
import TestTracks
import Testing

@Suite struct JoinRuleTests {
  /// Titles of the two sets, and the rules that take them for the same (beside `track-id`, which takes all).
  private static let titles: [(String, String, [JoinRule])] = [
    ("Title", "Title", [.paper, .normalised]),
    ("Title", "title", [.normalised]),
    ("A  Title ", "A Title", [.normalised]),
    ("A\u{00a0}Title", "a\u{2003}title", [.normalised]),
    // The same letter in one code point and in two.
    ("Caf\u{e9}", "CAFE\u{301}", [.normalised]),
    ("Straße", "STRASSE", [.normalised]),
    ("ΣΊΣΥΦΟΣ", "Σίσυφος", [.normalised]),
    ("ﬁre Ⅳ", "FIRE iv", [.normalised]),
    ("Ｆｕｌｌ", "full", [.normalised]),
    ("İstanbul", "i\u{307}stanbul", [.normalised]),
    ("ırmak", "irmak", []),
    ("Title", "Title!", []),
    ("Cafe", "Café", []),
    ("ab", "a b", []),
  ]

  @Test(arguments: JoinRule.allCases) func titlesAreTheSameByRule(rule: JoinRule) throws {
    let songs = try TestSongs()
    for (number, (track, record, _)) in Self.titles.enumerated() {
      var song = TestTrack(trackID: TestSongs.trackID(number), segments: 20)
      song.title = track
      try songs.add(song)
      try songs.add(record: song.trackID, title: record, tags: #"["rock", "1"]"#)
    }
    let options = PreparationOptions(trackFiles: songs.msd, lastFMTags: songs.lastfm, segments: 20, join: rule)
    let report = try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(
        options, output: songs.folder.path + "/songs.h5", replacing: true, communicator: $0)
    }[0]
    let expected = Self.titles.indices.filter { rule != .trackID && !Self.titles[$0].2.contains(rule) }
    #expect(report.mismatches.map(\.trackID) == expected.map(TestSongs.trackID))
    #expect(report.mismatches.map(\.trackTitle) == expected.map { Self.titles[$0].0 })
    #expect(report.mismatches.map(\.recordTitle) == expected.map { Self.titles[$0].1 })
    #expect(report.mismatches.allSatisfy { $0.field == .title })
  }
}
