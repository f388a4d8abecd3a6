import Diagnosis
import Foundation
import GRDB
import MessagePassing
import Preparation
import Snapshots
import Tags
import TestTracks
import Testing

@Suite struct LastFMDatabaseTests {
  private static let schema = """
    CREATE TABLE tids (tid TEXT); CREATE TABLE tags (tag TEXT); CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT);
    """

  /// Songs 0 to 3, each but song 2 with tags: song 0 rock 100 and pop 3, song 1 rock 7, song 3 another.
  private static let rows = """
    INSERT INTO tids VALUES ('\(TestSongs.trackID(0))'), ('\(TestSongs.trackID(1))'), ('\(TestSongs.trackID(3))');
    INSERT INTO tags VALUES ('rock'), ('another'), ('pop');
    INSERT INTO tid_tag VALUES (1, 1, 100), (2, 1, 7.0), (1, 3, 3), (3, 2, 100);
    """

  private func database(_ sql: String, in songs: TestSongs, name: String = "lastfm_tags.db") throws -> String {
    let path = songs.folder.path + "/" + name
    try DatabaseQueue(path: path).write { try $0.execute(sql: sql) }
    return path
  }

  private func songs() throws -> TestSongs {
    let songs = try TestSongs()
    for number in 0..<4 { try songs.add(TestTrack(trackID: TestSongs.trackID(number), segments: 20)) }
    return songs
  }

  private func prepare(_ songs: TestSongs, _ lastFM: String, join: JoinRule? = nil) throws -> PreparationReport {
    let options = PreparationOptions(trackFiles: songs.msd, lastFMTags: lastFM, segments: 20, join: join)
    return try InProcessCommunicator.run(size: 1) {
      try SnapshotPreparation.run(
        options, output: songs.folder.path + "/songs.h5", replacing: true, communicator: $0)
    }[0]
  }

  @Test(arguments: [
    "", "CREATE INDEX a ON tids(tid); CREATE INDEX b ON tid_tag(tid); CREATE INDEX c ON tags(tag);",
  ]) func givesTheLabelsOfTheTreeWithAndWithoutIndices(indices: String) throws {
    let songs = try songs()
    let path = try database(Self.schema + Self.rows + indices, in: songs, name: "odd name?%41#.db")
    let report = try prepare(songs, path)
    #expect(report.counts.funnel == Funnel(files: 4, read: 4, joined: 3, longEnough: 3, tagged: 2))
    #expect(report.counts.withoutRecord == 1)
    #expect(report.notes.count == 1)
    let labels = try Snapshot.open(songs.folder.path + "/songs.h5").labels
    #expect(labels.indices.filter { labels[$0] == 1 } == [0, 1, 50])
    #expect(try LastFMDatabase(path).counts() == (tracks: 3, tags: 3, pairs: 4))

    for (number, tags) in [
      (0, #"["rock", "100"], ["pop", "3"]"#), (1, #"["rock", "7"]"#), (3, #"["another", "100"]"#),
    ] {
      try songs.add(record: TestSongs.trackID(number), title: "not compared", tags: tags)
    }
    let byTree = try prepare(songs, songs.lastfm, join: .trackID)
    #expect(byTree.counts == report.counts && byTree.notes == [])
    #expect(try Snapshot.open(songs.folder.path + "/songs.h5").labels == labels)
  }

  @Test func joinsByTitleOrArtistAreRefused() throws {
    let songs = try songs()
    let path = try database(Self.schema + Self.rows, in: songs)
    for rule in [JoinRule.paper, .normalised] {
      let failure = #expect(throws: Failure.self) { try prepare(songs, path, join: rule) }
      #expect(failure?.kind == .usage)
      #expect(failure?.message.contains("--join \(rule.rawValue): \(path) is a database") == true)
    }
    #expect(try prepare(songs, path, join: .trackID).notes == [])
  }

  @Test(arguments: [
    ("DROP TABLE tids;", "no table tids"), ("ALTER TABLE tid_tag RENAME COLUMN val TO weight;", "no column val"),
    ("DROP TABLE tags; CREATE VIEW tags AS SELECT 'rock' AS tag;", "no table tags"),
    (
      "DROP TABLE tags; CREATE TABLE tags (name TEXT, tag TEXT GENERATED ALWAYS AS (name));", "has no column tag"
    ),
  ]) func otherTablesAreRefused(change: String, cause: String) throws {
    let songs = try songs()
    let path = try database(Self.schema + Self.rows + change, in: songs)
    let failure = #expect(throws: Failure.self) { try prepare(songs, path) }
    #expect(failure?.kind == .badData && failure?.message.contains("\(path): ") == true)
    #expect(failure?.message.contains(cause) == true)
  }

  @Test func recordsThatMakeNoSenseAreListedAndTheOthersKept() throws {
    let songs = try songs()
    let path = try database(
      Self.schema + Self.rows
        + """
        INSERT INTO tid_tag VALUES (2, 99, 5), (3, 1, 'heavy'), (NULL, NULL, NULL), ('x', 'y', 'z');
        INSERT INTO tids VALUES (NULL), (17), (x'00ff'); INSERT INTO tags VALUES (NULL), (x'ff');
        """, in: songs)
    let report = try prepare(songs, path)
    #expect(report.counts.funnel.tagged == 1 && report.counts.badRecords == 2)
    #expect(report.skipped.map(\.path) == [path, path])
    #expect(report.skipped[0].cause == "\(TestSongs.trackID(1)): has a tag that is not in the table tags")
    #expect(report.skipped[1].cause == "\(TestSongs.trackID(3)): the weight of its tag \"rock\" is no number")
  }

  @Test func damageCostsTheTracksThatItConcerns() throws {
    let songs = try songs()
    func many(_ track: Int) -> String { (0..<2000).map { _ in "(\(track), 1, 1)" }.joined(separator: ", ") }
    let path = try database(
      "PRAGMA page_size = 4096;" + Self.schema + Self.rows
        + (1...3).map { "INSERT INTO tid_tag VALUES \(many($0));" }.joined() + "CREATE INDEX b ON tid_tag(tid);",
      in: songs)
    let whole = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
    var lost: Set<Int> = []
    for start in stride(from: 4096, to: whole.count, by: 4096) {
      var bytes = whole
      for index in start..<start + 4096 { bytes[index] = 0xA5 }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      // Where no song is left that is told as well.
      guard let counts = try? prepare(songs, path).counts else { continue }
      #expect(counts.funnel.read == 4)
      #expect(counts.funnel.joined + counts.badRecords == 3 && counts.withoutRecord == 1)
      lost.insert(counts.badRecords)
    }
    #expect(lost.contains(1), "\(lost)")
  }

  @Test func aFileThatIsNoDatabaseIsBadData() throws {
    let songs = try songs()
    let path = try songs.folder.write("SQLite format 3\u{0}, and then nothing of the kind", to: "lastfm_tags.db")
    let failure = #expect(throws: Failure.self) { try prepare(songs, path) }
    #expect(failure?.kind == .badData && failure?.message.contains(path) == true)
  }
}
