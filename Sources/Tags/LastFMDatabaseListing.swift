import Diagnosis
import FileTrees
import GRDB

/// All that a database holds, track by track.
extension LastFMDatabase {
  /// Tracks looked up at once. Without an index that is one pass over a table.
  private static let batch = 30_000

  /// Looks up the tracks that stand in some rows of `tids`, counted from 0, some at a time; the body is also told how
  /// many are done.
  /// - Throws: `badData` where the table cannot be read; a track whose tags cannot be is handed on as bad.
  func forEachRecord(in rows: Range<Int>, _ body: (_ done: Int, [TagLookup]) -> Void) throws {
    do {
      var next = try queue.read {
        try Int64.fetchOne(
          $0, sql: "SELECT rowid FROM tids ORDER BY rowid LIMIT 1 OFFSET ?", arguments: [rows.lowerBound])
      }
      var done = 0
      while let first = next, done < rows.count {
        let wanted = min(Self.batch, rows.count - done)
        var (trackIDs, nameless): ([String], [TagLookup]) = ([], [])
        next = nil
        try queue.read { database in
          // One more than wanted: there the next part begins.
          let sql = "SELECT rowid, tid FROM tids WHERE rowid >= ? ORDER BY rowid LIMIT ?"
          for (place, row) in try Row.fetchAll(database, sql: sql, arguments: [first, wanted + 1]).enumerated() {
            let number: Int64 = row[0]
            if place == wanted {
              next = number
            } else if let trackID = String.fromDatabaseValue(row[1] as DatabaseValue) {
              trackIDs.append(trackID)
            } else {
              nameless.append(.bad(SkippedFile(path: path, cause: "the row \(number) of tids holds no text")))
            }
          }
        }
        done += wanted
        body(done, records(of: trackIDs[...]) + nameless)
      }
    } catch let error as DatabaseError {
      throw Failure(.badData, "\(path): its table tids cannot be read: \(error.inWords)")
    }
  }
}
