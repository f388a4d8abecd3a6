import Diagnosis
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

  /// A pass over so many rows takes a tenth of a second.
  private static let manyRows: Int64 = 1_000_000

  /// What a user should know who looks up many songs: which large tables have no index, so that every batch of songs
  /// costs a pass over all their rows; nil where none lacks one.
  func missingIndexes() throws -> String? {
    do {
      let missing = try queue.read { database in
        try ["tids", "tid_tag"].filter { table in
          guard try Int64.fetchOne(database, sql: "SELECT max(rowid) FROM \(table)") ?? 0 >= Self.manyRows else {
            return false
          }
          let plan = try Row.fetchOne(
            database, sql: "EXPLAIN QUERY PLAN SELECT 1 FROM \(table) WHERE tid IN (1, 2)")
          let detail = plan.flatMap { String.fromDatabaseValue($0["detail"] as DatabaseValue) } ?? ""
          return detail.hasPrefix("SCAN")
        }
      }
      guard !missing.isEmpty else { return nil }
      let statements = missing.map { "CREATE INDEX \($0)_by_tid ON \($0)(tid);" }.joined(separator: " ")
      return
        "\(path): no index on \(missing.map { "\($0)(tid)" }.joined(separator: " and ")), so that every batch of "
        + "songs costs a pass over the table; sqlite3 \(path) '\(statements)' makes it fast"
    } catch let error as DatabaseError {
      throw Failure(.badData, "\(path): \(error.inWords)")
    }
  }
}
