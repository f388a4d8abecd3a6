import Diagnosis
import FileAccess
import FileTrees
import Foundation
import GRDB
import TrackFiles

/// The Last.fm data set as one SQLite file, `lastfm_tags.db`: which track has which tag with which weight.
///
/// Its tables are `tids(tid TEXT)`, `tags(tag TEXT)` and `tid_tag(tid INT, tag INT, val FLOAT)`, the latter's numbers
/// being row ids of the former two. It tells neither titles nor artists. It is opened for reading, without locks, and
/// nothing of it is kept in memory.
///
///     let database = try LastFMDatabase("lastfm_tags.db")
///     print(try database.counts().tracks)
public final class LastFMDatabase {
  public let path: String
  let queue: DatabaseQueue
  var queries = Queries()

  /// Real tracks have up to 100 tags.
  private static let mostTags = 10_000
  /// The bytes that every SQLite file starts with.
  private static let signature = Array("SQLite format 3\u{0}".utf8)

  /// Whether a file is a SQLite database, by its content.
  public static func isDatabase(_ path: String) -> Bool {
    (try? readStart(of: path, count: signature.count)) == signature
  }

  /// - Throws: `badData` where it is no database, one without these tables, or one of which a part stands in a file
  ///   beside it; `missingInput` where that cannot be told.
  public init(_ path: String) throws {
    self.path = path
    try UnfinishedChanges.refuse(besideDatabase: path)
    do {
      queue = try LastFMDatabase.open(path)
      try queue.read { try LastFMDatabase.checkTables($0, path) }
    } catch let error as DatabaseError {
      throw Failure(.badData, "\(path): no database of Last.fm tags: \(error.inWords)")
    }
  }

  private static func open(_ path: String) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.readonly = true
    configuration.foreignKeysEnabled = false
    configuration.prepareDatabase { database in
      // The file is anyone's: nothing in it may run.
      try database.execute(sql: "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    }
    // Immutable: without a lock, which shared file systems refuse. What stands beside the file is not looked at then,
    // so `UnfinishedChanges` has.
    let absolute = path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
    let escaped = absolute.utf8.map { byte -> String in
      let plain = UInt8(ascii: "/")...UInt8(ascii: "9") ~= byte || isLetter(byte)
      return plain ? String(UnicodeScalar(byte)) : "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
    }.joined()
    do {
      return try DatabaseQueue(path: "file:\(escaped)?immutable=1", configuration: configuration)
    } catch let error as DatabaseError where error.resultCode == .SQLITE_CANTOPEN {
      // A SQLite that was built without such names.
      return try DatabaseQueue(path: path, configuration: configuration)
    }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte)
      || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte)
  }

  private static func checkTables(_ database: Database, _ path: String) throws {
    for (table, columns) in [("tids", ["tid"]), ("tags", ["tag"]), ("tid_tag", ["tid", "tag", "val"])] {
      let definition = try Row.fetchOne(
        database, sql: "SELECT type, sql FROM sqlite_master WHERE name = ?", arguments: [table])
      let sql = definition.map { String.fromDatabaseValue($0[1] as DatabaseValue) ?? "" } ?? ""
      guard let definition, String.fromDatabaseValue(definition[0] as DatabaseValue) == "table",
        !sql.uppercased().contains("VIRTUAL")
      else {
        throw Failure(
          .badData, "\(path): no database of Last.fm tags: it has no table \(table)",
          remedy: "expected the tables tids(tid), tags(tag) and tid_tag(tid, tag, val)")
      }
      // Not generated ones, which could be made to compute for ever.
      let plain = try Row.fetchAll(database, sql: "PRAGMA table_xinfo(\(table))")
        .filter { ($0["hidden"] as DatabaseValue).integer == 0 }
        .compactMap { String.fromDatabaseValue($0["name"] as DatabaseValue) }
      guard let missing = columns.first(where: { !plain.contains($0) }) else { continue }
      throw Failure(
        .badData, "\(path): no database of Last.fm tags: its table \(table) has no column \(missing)",
        remedy: "expected the tables tids(tid), tags(tag) and tid_tag(tid, tag, val)")
    }
  }

  /// How many tracks, tags, and pairs of both it has.
  public func counts() throws -> (tracks: Int, tags: Int, pairs: Int) {
    do {
      return try queue.read { database in
        func count(_ table: String) throws -> Int {
          try Int.fetchOne(database, sql: "SELECT count(*) FROM \(table)") ?? 0
        }
        return (try count("tids"), try count("tags"), try count("tid_tag"))
      }
    } catch let error as DatabaseError {
      throw Failure(.badData, "\(path): \(error.inWords)")
    }
  }
}

// MARK: - Looking up tracks

extension LastFMDatabase: SongTags {
  /// All tracks in few queries, each of which needs one pass over a table at worst. Where a part of the file is
  /// damaged, the tracks that it concerns are found out by halving.
  package func records(of tracks: [Track]) -> [TagLookup] {
    records(of: tracks.map(\.trackID)[...])
  }

  func records(of trackIDs: ArraySlice<String>) -> [TagLookup] {
    guard !trackIDs.isEmpty else { return [] }
    do {
      let found = try queue.read { try lookUp(Array(trackIDs), $0) }
      return trackIDs.map { trackID in
        switch found[trackID] {
        case nil: .none
        case .success(let tags): .found(TagRecord(trackID: trackID, tags: tags))
        case .failure(let fault): .bad(SkippedFile(path: path, cause: "\(trackID): \(fault.cause)"))
        }
      }
    } catch {
      guard trackIDs.count > 1 else {
        let cause = (error as? DatabaseError)?.inWords ?? "\(error)"
        return trackIDs.map { .bad(SkippedFile(path: path, cause: "\($0): \(cause)")) }
      }
      let middle = trackIDs.startIndex + trackIDs.count / 2
      return records(of: trackIDs[..<middle]) + records(of: trackIDs[middle...])
    }
  }

  private typealias FoundTags = Result<[WeightedTag], Fault>

  private struct Fault: Error {
    var cause: String
  }

  /// The tags of those tracks that the database has.
  private func lookUp(_ trackIDs: [String], _ database: Database) throws -> [String: FoundTags] {
    var trackOfRow: [Int64: String] = [:]
    try select(queries.tracks, trackIDs, database) { row in
      if let number = row[0].integer, let trackID = row[1].text { trackOfRow[number] = trackID }
    }
    var pairs: [String: [Pair]] = [:]
    for trackID in trackOfRow.values { pairs[trackID] = [] }
    try select(queries.pairs, Array(trackOfRow.keys), database) { row in
      guard let track = row[0].integer.flatMap({ trackOfRow[$0] }) else { return }
      // One beyond the most, so that it shows.
      if pairs[track, default: []].count <= LastFMDatabase.mostTags {
        pairs[track, default: []].append(Pair(tag: row[1].integer, weight: row[2].number))
      }
    }
    var names: [Int64: String] = [:]
    let wanted = Set(pairs.values.joined().compactMap(\.tag))
    try select("SELECT rowid, tag FROM tags WHERE rowid IN", Array(wanted), database) { row in
      if let number = row[0].integer, let name = row[1].text { names[number] = name }
    }
    return pairs.mapValues { LastFMDatabase.tags($0, names) }
  }

  /// A row of `tid_tag`; nil for what is no number.
  private struct Pair {
    var tag: Int64?
    var weight: Double?
  }

  private static func tags(_ pairs: [Pair], _ names: [Int64: String]) -> FoundTags {
    guard pairs.count <= mostTags else { return .failure(Fault(cause: "has more than \(mostTags) tags")) }
    var tags: [WeightedTag] = []
    for pair in pairs {
      guard let name = pair.tag.flatMap({ names[$0] }) else {
        return .failure(Fault(cause: "has a tag that is not in the table tags"))
      }
      guard let weight = pair.weight, weight.isFinite else {
        return .failure(Fault(cause: "the weight of its tag \"\(name.prefix(40))\" is no number"))
      }
      tags.append(WeightedTag(name: name, weight: weight))
    }
    return .success(tags)
  }

  /// Rows for any of many values, in as few statements as SQLite takes.
  private func select(
    _ sql: String, _ values: [some DatabaseValueConvertible], _ database: Database,
    _ body: ([DatabaseValue]) -> Void
  ) throws {
    let most = max(1, min(database.maximumStatementArgumentCount, 30_000))
    for start in stride(from: 0, to: values.count, by: most) {
      let part = values[start..<min(start + most, values.count)]
      let places = databaseQuestionMarks(count: part.count)
      let rows = try Row.fetchCursor(
        database, sql: "\(sql) (\(places))", arguments: StatementArguments(part))
      while let row = try rows.next() { body(Array(row.databaseValues)) }
    }
  }
}

extension DatabaseValue {
  fileprivate var integer: Int64? { Int64.fromDatabaseValue(self) }
  fileprivate var text: String? { String.fromDatabaseValue(self) }
  fileprivate var number: Double? { Double.fromDatabaseValue(self) }
}

extension DatabaseError {
  /// On one line.
  var inWords: String { message ?? "SQLite's error \(resultCode.rawValue)" }
}
