import Diagnosis
import Foundation
import GRDB
import Tags
import TestFolders
import Testing

/// Files beside a database, as other programs leave them.
@Suite struct UnfinishedChangesTests {
  private let folder: TemporaryFolder
  private var path: String { folder.file("lastfm_tags.db") }

  init() throws {
    folder = try TemporaryFolder()
    try DatabaseQueue(path: path).write {
      try $0.execute(
        sql: """
          CREATE TABLE tids (tid TEXT); CREATE TABLE tags (tag TEXT); CREATE TABLE tid_tag (tid INT, tag INT, val FLOAT);
          INSERT INTO tids VALUES ('TRAAABD128F429CF47');
          """)
    }
  }

  private static let journal: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0, 0, 0, 1]

  /// Puts bytes beside the database, then tells why it is not opened.
  private func failure(_ suffix: String, _ bytes: [UInt8]) throws -> Failure {
    try folder.write(bytes, to: "lastfm_tags.db" + suffix)
    return try #require(throws: Failure.self) { try LastFMDatabase(path) }
  }

  @Test func aWriteAheadLogWithContentsIsRefused() throws {
    let failure = try failure("-wal", [1, 2, 3])
    #expect(failure.kind == .badData)
    #expect(failure.message.hasPrefix("\(path): its write-ahead log "))
    #expect(failure.message.contains("lastfm_tags.db-wal has 3 bytes, expected none"))
    #expect(failure.remedy?.contains("'PRAGMA wal_checkpoint(TRUNCATE)'") == true)
  }

  @Test func aJournalThatIsToBeRolledBackIsRefused() throws {
    let failure = try failure("-journal", Self.journal)
    #expect(failure.kind == .badData)
    #expect(failure.message.hasPrefix("\(path): its journal "))
    #expect(failure.remedy?.contains("rolls it back") == true)
  }

  @Test(arguments: [
    ("-wal", []), ("-shm", [1]), ("-journal", []), ("-journal", [UInt8](repeating: 0, count: 512)),
    ("-journal", Array(journal.prefix(7))),
  ]) func whatHoldsNoChangesIsNoTrouble(suffix: String, bytes: [UInt8]) throws {
    try folder.write(bytes, to: "lastfm_tags.db" + suffix)
    #expect(try LastFMDatabase(path).counts().tracks == 1)
  }

  @Test func aDatabaseThatWasLoggedAheadIsReadWhereItsLogIsGone() throws {
    let queue = try DatabaseQueue(path: path)
    try queue.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = WAL; DELETE FROM tids") }
    try queue.close()
    #expect(try folder.read("lastfm_tags.db")[18...19] == [2, 2])
    #expect(try LastFMDatabase(path).counts().tracks == 0)
  }
}
