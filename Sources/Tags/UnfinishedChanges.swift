import Diagnosis
import FileAccess
import Foundation

/// Files beside a SQLite database in which another program keeps changes that are not in the database, or not undone
/// yet: the write-ahead log, and the journal that a transaction is rolled back by
/// (https://www.sqlite.org/fileformat2.html, chapters 3 and 4).
///
/// `LastFMDatabase` opens its file as immutable, and SQLite then looks at neither of them. Committed rows would be
/// missing, and half a transaction would be taken for data, without a word.
struct UnfinishedChanges {
  /// The path as the user gave it, for messages.
  private let database: String
  /// The file that the path leads to. SQLite keeps the others beside that one, not beside a link to it.
  private let file: String

  private static let journalMagic: [UInt8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7]

  /// Refuses a database that is not complete by itself.
  /// - Throws: `badData` where changes stand in a file beside it, `missingInput` where that cannot be told.
  static func refuse(besideDatabase path: String) throws {
    let changes = UnfinishedChanges(
      database: path, file: URL(fileURLWithPath: path).resolvingSymlinksInPath().path)
    try changes.refuseLog()
    try changes.refuseJournal()
  }

  private func refuseLog() throws {
    let log = file + "-wal"
    guard let bytes = try found(log, { path throws(WholeFileError) in try checkRegularFile(path, limit: .max) }),
      bytes > 0
    else { return }
    throw Failure(
      .badData,
      "\(database): its write-ahead log \(log) has \(bytes) bytes, expected none: rows in it may not be in the database "
        + "yet",
      remedy:
        "sqlite3 \(file) 'PRAGMA wal_checkpoint(TRUNCATE)' puts them there; where that may not be written, copy "
        + "both files together and do it with the copy")
  }

  /// A journal that begins with zeros, or with nothing, is one whose transaction has ended.
  private func refuseJournal() throws {
    let journal = file + "-journal"
    let start = try found(journal) { path throws(WholeFileError) in
      try readStart(of: path, count: Self.journalMagic.count)
    }
    guard start == Self.journalMagic else { return }
    throw Failure(
      .badData,
      "\(database): its journal \(journal) is that of a transaction that has not ended, expected none: a part of it may "
        + "stand in the database",
      remedy:
        "wait for the program that writes it; where none does, sqlite3 \(file) 'SELECT count(*) FROM tids' rolls "
        + "it back; where that may not be written, copy both files together and do it with the copy")
  }

  /// What a file is found to hold; nil where there is no file.
  private func found<Value>(_ path: String, _ look: (String) throws(WholeFileError) -> Value) throws -> Value? {
    do {
      return try look(path)
    } catch {
      switch error {
      case .system(let problem) where problem.isMissing: return nil
      // No program keeps changes in a folder or a device.
      case .notAFile, .tooLarge: return nil
      case .system(let problem):
        throw Failure(
          .missingInput, "\(path): cannot be read, which may hold changes to \(database): \(problem)",
          remedy: "make it readable, or copy both files together to where they are")
      }
    }
  }
}
