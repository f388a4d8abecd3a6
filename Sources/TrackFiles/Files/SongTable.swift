import Diagnosis
import HDF5

/// One of a track file's tables with a row a song, read some rows at a time.
struct SongTable {
  let count: Int
  private let dataset: Dataset
  private var rows: RecordRows?
  private var window = 0..<0

  /// Real rows have up to 5,320 bytes.
  private static let longestRow = 1 << 20
  /// Rows read at once: as many as the chunks of real aggregates have, since a chunk is unpacked as a whole.
  private static let windowRows = 64
  private static let windowBytes = 4 << 20

  /// - Throws: `badData` where there is no such table.
  init(_ name: String, in file: File) throws {
    dataset = try file.dataset(name)
    guard dataset.shape.count == 1, dataset.element.elementClass == .record else {
      throw Failure(
        .badData,
        "\(file.filePath): /\(name) holds \(dataset.element) elements of shape \(dataset.shape), expected a table")
    }
    guard dataset.element.bytes <= SongTable.longestRow else {
      throw Failure(
        .badData,
        "\(file.filePath): /\(name) holds records of \(dataset.element.bytes) bytes, expected at most "
          + "\(SongTable.longestRow)")
    }
    count = dataset.shape[0]
  }

  /// The data set's own texts have up to 1,024 bytes. A snapshot keeps as many bytes for each song's as the longest
  /// has, so that one endless title would cost a million times its length.
  private static let longestText = 4096

  mutating func text(_ column: String, row: Int) throws -> String {
    let (rows, first) = try loaded(row..<row + 1)
    let text = rows.string(try rows.textColumn(column), row: row - first)
    guard text.utf8.count <= SongTable.longestText else {
      throw Failure(
        .badData,
        "\(dataset.filePath): \(dataset.name): the \(column) has \(text.utf8.count) bytes, expected at most "
          + "\(SongTable.longestText)")
    }
    return text
  }

  /// A number of a song: of double precision, or a whole number of 32 bits.
  /// - Throws: `badData` where there is no such column, or the number is not finite.
  mutating func number(_ column: String, row: Int) throws -> Double {
    let (rows, first) = try loaded(row..<row + 1)
    if let whole = try? rows.column(column, of: Int32.self) {
      return Double(rows.value(whole, row: row - first, as: Int32.self))
    }
    let value = rows.value(try rows.column(column, of: Double.self), row: row - first, as: Double.self)
    guard value.isFinite else {
      throw Failure(
        .badData, "\(dataset.filePath): \(dataset.name): the \(column) is \(value), expected a finite number")
    }
    return value
  }

  /// Where a song's part of an array lies: from its start, which a column holds, to the next song's, or to the end.
  ///
  /// A song that begins or ends at a start out of range is refused. Two starts out of order leave it open which of
  /// them is wrong: songs that begin or end at either are refused. All others keep their values.
  /// - Parameters:
  ///   - others: columns that must say the same where the table has them.
  ///   - length: of the array.
  mutating func range(
    ofRow row: Int, column: String, agreeingWith others: [String] = [], length: Int
  ) throws -> Range<Int> {
    let around = max(0, row - 1)..<min(count, row + 3)
    let (rows, first) = try loaded(around)
    var starts = try self.starts(column, rows, around, first)
    let bounding = row..<min(count, row + 2)
    for other in others where rows.hasColumn(other) {
      guard try self.starts(other, rows, bounding, first) == self.starts(column, rows, bounding, first) else {
        throw Failure(
          .badData,
          "\(dataset.filePath): \(dataset.name): \(column) and \(other) differ at the song \(row) or behind it, "
            + "expected the same starts")
      }
    }
    if around.upperBound == count { starts.append(length) }
    let own = row - around.lowerBound
    let bounds = starts[own...own + 1]
    // A neighbour's start out of range is wrong itself and says nothing of this song's.
    let ordered = starts.indices.filter { bounds.indices.contains($0) || (0...length).contains(starts[$0]) }
      .map { starts[$0] }
    guard bounds.allSatisfy({ (0...length).contains($0) }), ordered == ordered.sorted(), row > 0 || starts[0] == 0
    else {
      let found = starts.map(String.init).joined(separator: ", ")
      throw Failure(
        .badData,
        "\(dataset.filePath): \(dataset.name): \(column) around the song \(row) is \(found), expected numbers that "
          + "rise from 0 to \(length)")
    }
    return starts[own]..<starts[own + 1]
  }

  private func starts(_ column: String, _ rows: RecordRows, _ range: Range<Int>, _ first: Int) throws -> [Int] {
    let column = try rows.column(column, of: Int32.self)
    return range.map { Int(rows.value(column, row: $0 - first, as: Int32.self)) }
  }

  /// Rows in memory among which the wanted ones are, and the number of the first.
  private mutating func loaded(_ wanted: Range<Int>) throws -> (rows: RecordRows, first: Int) {
    if let rows, window.lowerBound <= wanted.lowerBound, wanted.upperBound <= window.upperBound {
      return (rows, window.lowerBound)
    }
    let most = max(wanted.count, min(SongTable.windowRows, SongTable.windowBytes / max(1, dataset.element.bytes)))
    let range = wanted.lowerBound..<min(count, wanted.lowerBound + most)
    let read = try dataset.readRecords(rows: range, limit: SongTable.windowBytes + 4 * SongTable.longestRow)
    (rows, window) = (read, range)
    return (read, range.lowerBound)
  }
}
