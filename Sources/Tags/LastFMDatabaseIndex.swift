import Diagnosis
import GRDB

/// How tracks are found in a database that has no index for them.
///
/// Without one, SQLite passes over a whole table for every batch of songs: a second for the full set's 8.6 million rows,
/// some hundred to some thousand times. A database on a shared disk is not ours to change, but SQLite can keep a table of
/// this connection alone, in a temporary file: of `tids` a copy with an index, of `tid_tag` where each track's rows are.
extension LastFMDatabase {
  /// The queries for rows of some tracks, to be followed by their ids and numbers in parentheses.
  struct Queries {
    var tracks = "SELECT rowid, tid FROM tids WHERE tid IN"
    var pairs = "SELECT tid, tag, val FROM tid_tag WHERE tid IN"
  }

  /// A pass over so many rows takes some hundredths of a second.
  private static let manyRows = 200_000
  /// Rows looked at for each one that is wanted; beyond, a pass is no worse.
  private static let mostRowsLookedAt = 4

  /// Makes up for indexes that large tables lack, which takes seconds.
  /// - Returns: a warning where one is lacking and cannot be made up for.
  public func makeUpForIndexes() throws -> String? {
    do {
      if try lacksIndex("tids") {
        try queue.inDatabase {
          try $0.execute(
            sql: """
              CREATE TEMP TABLE numbered AS SELECT rowid AS number, tid FROM tids;
              CREATE INDEX temp.numbered_by_tid ON numbered(tid);
              """)
        }
        queries.tracks = "SELECT number, tid FROM temp.numbered WHERE tid IN"
      }
      guard try lacksIndex("tid_tag") else { return nil }
      guard try findSpans() else { return Self.warning(path) }
      // The sign keeps SQLite from making an index of its own for each query.
      queries.pairs = """
        SELECT pair.tid, pair.tag, pair.val FROM temp.spans AS span CROSS JOIN tid_tag AS pair \
        ON pair.rowid BETWEEN span.first AND span.last AND +pair.tid = span.tid WHERE span.tid IN
        """
      return nil
    } catch let error as DatabaseError {
      // Else it is damage, which the look-ups tell track by track.
      let hasNoRoom = [.SQLITE_FULL, .SQLITE_IOERR, .SQLITE_CANTOPEN].contains(error.resultCode)
      return hasNoRoom ? Self.warning(path) : nil
    }
  }

  /// Finds between which rows of `tid_tag` each track's are.
  /// - Returns: false where the tracks' rows lie scattered.
  private func findSpans() throws -> Bool {
    try queue.inDatabase { database in
      try database.execute(
        sql: """
          CREATE TEMP TABLE spans AS
          SELECT tid, min(rowid) AS first, max(rowid) AS last, count(*) AS rows FROM tid_tag GROUP BY tid;
          """)
      let sums = try Row.fetchOne(
        database, sql: "SELECT total(last) - total(first) + count(*), total(rows) FROM temp.spans")
      guard let sums, (sums[0] as Double) <= Double(Self.mostRowsLookedAt) * (sums[1] as Double) else {
        try database.execute(sql: "DROP TABLE temp.spans")
        return false
      }
      try database.execute(sql: "CREATE INDEX temp.spans_by_tid ON spans(tid)")
      return true
    }
  }

  private func lacksIndex(_ table: String) throws -> Bool {
    try queue.read { database in
      let counted = "SELECT count(*) FROM (SELECT 1 FROM \(table) LIMIT \(Self.manyRows))"
      guard try Int.fetchOne(database, sql: counted) == Self.manyRows else { return false }
      let plan = try Row.fetchOne(
        database, sql: "EXPLAIN QUERY PLAN SELECT 1 FROM \(table) WHERE tid IN (1, 2)")
      return (plan.flatMap { String.fromDatabaseValue($0["detail"] as DatabaseValue) } ?? "").hasPrefix("SCAN")
    }
  }

  private static func warning(_ path: String) -> String {
    "\(path): no index on tid_tag(tid), so that every batch of songs costs a pass over the table; "
      + "sqlite3 \(path) 'CREATE INDEX tid_tag_by_tid ON tid_tag(tid);' makes it fast"
  }
}
