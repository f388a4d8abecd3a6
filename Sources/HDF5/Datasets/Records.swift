import CHDF5
import Diagnosis

/// A record type: named fields, one after the other without gaps (HDF5 calls it a packed compound type).
public struct RecordType: Sendable, Equatable {
  public struct Field: Sendable, Equatable {
    public let name: String
    public let offset: Int
    public let type: ElementType
  }

  public let fields: [Field]
  /// Bytes of one record.
  public let bytes: Int

  /// Lays the fields out in the given order; each offset is the sum of the sizes before it.
  public init(_ fields: [(name: String, type: ElementType)]) {
    var offset = 0
    self.fields = fields.map { name, type in
      defer { offset += type.bytes }
      return Field(name: name, offset: offset, type: type)
    }
    bytes = offset
  }

  func fileType(_ scope: Scope) -> hid_t {
    let type = scope.own(H5Tcreate(H5T_COMPOUND, bytes), H5Tclose)
    for field in fields { H5Tinsert(type, field.name, field.offset, field.type.fileType(scope)) }
    return type
  }
}

/// One record to be written, zeros where nothing was set.
public struct Record: Sendable {
  public let type: RecordType
  public private(set) var bytes: [UInt8]

  public init(_ type: RecordType) {
    self.type = type
    bytes = [UInt8](repeating: 0, count: type.bytes)
  }

  /// Sets a text; it must fit its field.
  public mutating func set(_ name: String, _ value: String) throws {
    let field = try field(name)
    guard case .fixedString(let room, _) = field.type, value.utf8.count <= room else {
      throw Failure(.fault, "the text \"\(value.prefix(40))\" does not fit the field \(name) (\(field.type))")
    }
    bytes.replaceSubrange(field.offset..<(field.offset + value.utf8.count), with: value.utf8)
  }

  /// Sets a number; its type must be the field's.
  public mutating func set<E: Element>(_ name: String, _ value: E) throws {
    let field = try field(name)
    guard field.type == E.elementType else {
      throw Failure(.fault, "the field \(name) is \(field.type), not \(E.elementType)")
    }
    withUnsafeBytes(of: value) { source in
      bytes.replaceSubrange(field.offset..<(field.offset + source.count), with: source)
    }
  }

  private func field(_ name: String) throws -> RecordType.Field {
    guard let field = type.fields.first(where: { $0.name == name }) else {
      throw Failure(.fault, "a record without a field \(name)")
    }
    return field
  }
}

extension Dataset {
  /// Writes records from row `firstRow` on. Their type must be the dataset's.
  public func write(records: [Record], fromRow firstRow: Int = 0) throws {
    guard element.elementClass == .record, records.allSatisfy({ $0.type.bytes == element.bytes }) else {
      throw Failure(.fault, "\(filePath): \(name) holds \(element) elements, not the records to be written")
    }
    try write(
      records.flatMap(\.bytes), memory: { _ in self.type.number },
      valueCount: records.count, [firstRow], [records.count])
  }

  /// Some rows of a table, as they lie in the file; `RecordRows` takes fields out of them.
  ///
  /// - Parameters:
  ///   - rows: of the table, from 0.
  ///   - limit: the most bytes the caller is ready for.
  /// - Throws: `.badData` where the dataset is no table, has no such rows, or exceeds the limit.
  public func readRecords(rows: Range<Int>, limit: Int) throws -> RecordRows {
    guard element.elementClass == .record, shape.count == 1 else {
      throw Failure(.badData, "\(filePath): \(name) holds \(element) elements of shape \(shape), expected a table")
    }
    let (size, overflow) = element.bytes.multipliedReportingOverflow(by: rows.count)
    guard !overflow, size <= limit else {
      throw Failure(
        .badData,
        "\(filePath): \(name) holds records of \(element.bytes) bytes; \(rows.count) of them exceed \(limit) bytes"
      )
    }
    return try Library.exclusively { scope in
      let layout = RecordLayout.of(type)
      guard !layout.hasVariableLengths else {
        throw Failure(.badData, "\(filePath): \(name) has fields of variable length, expected fixed lengths")
      }
      let bytes = try [UInt8](unsafeUninitializedCapacity: max(size, 1)) { buffer, count in
        try readRows(rows, into: UnsafeMutableRawBufferPointer(buffer.extracting(..<size)), scope)
        count = size
      }
      return RecordRows(
        bytes: bytes, count: rows.count, rowBytes: element.bytes, place: "\(filePath): \(name)", layout: layout)
    }
  }

  /// Rows as the file has them. Call under the library's lock.
  private func readRows(_ rows: Range<Int>, into bytes: UnsafeMutableRawBufferPointer, _ scope: Scope) throws {
    let wholeTable = rows == 0..<shape[0]
    let selection = wholeTable ? nil : try select([rows.lowerBound], [rows.count], scope)
    if try readDeflated(rows, into: bytes, scope) { return }
    // The file's own type in memory: HDF5 then copies rows instead of converting every field.
    try checked(
      H5Dread(
        identifier.number, type.number, selection?.memory ?? hid_t(H5S_ALL), selection?.file ?? hid_t(H5S_ALL),
        hid_t(H5P_DEFAULT), bytes.baseAddress), "reading")
  }
}

/// Rows of a table in memory.
public struct RecordRows {
  /// How many rows.
  public let count: Int
  private let bytes: [UInt8]
  private let rowBytes: Int
  /// File and dataset, for messages.
  private let place: String
  private let layout: RecordLayout

  init(bytes: [UInt8], count: Int, rowBytes: Int, place: String, layout: RecordLayout) {
    self.bytes = bytes
    self.count = count
    self.rowBytes = rowBytes
    self.place = place
    self.layout = layout
  }

  /// Where a field's values lie in each row.
  public struct Column: Sendable {
    let offset: Int
    let element: ElementDescription
    let spacePadded: Bool
    let bigEndian: Bool

    var bytes: Int { element.bytes }
  }

  /// Whether the records have a field of this name.
  public func hasColumn(_ name: String) -> Bool { Library.exclusively { _ in layout.column(name) } != nil }

  /// Finds a text field. Throws `.badData` where there is none.
  public func textColumn(_ name: String) throws -> Column {
    try column(name, expected: "a text of fixed length") { $0.elementClass == .fixedString }
  }

  /// Finds a field of numbers exactly of type `E`. Throws `.badData` where there is none.
  public func column<E: Element>(_ name: String, of _: E.Type) throws -> Column {
    try column(name, expected: E.elementType.words) {
      $0.converts(to: E.elementType) && $0.bytes == E.elementType.bytes
    }
  }

  /// A text; bytes that are no UTF-8 are replaced.
  public func string(_ column: Column, row: Int) -> String {
    let start = row * rowBytes + column.offset
    return text(bytes[start..<(start + column.bytes)], spacePadded: column.spacePadded)
  }

  /// A number.
  public func value<E: Element>(_ column: Column, row: Int, as _: E.Type = E.self) -> E {
    let start = row * rowBytes + column.offset
    let field = bytes[start..<(start + column.bytes)]
    let bigEndianHost = 1.bigEndian == 1
    let ordered = column.bigEndian == bigEndianHost ? Array(field) : Array(field.reversed())
    return ordered.withUnsafeBytes { $0.loadUnaligned(as: E.self) }
  }

  private func column(
    _ name: String, expected: String, _ accepts: (ElementDescription) -> Bool
  ) throws -> Column {
    guard let column = Library.exclusively({ _ in layout.column(name) }) else {
      throw Failure(.badData, "\(place) has no field \(name)")
    }
    guard accepts(column.element), column.offset + column.bytes <= rowBytes else {
      throw Failure(.badData, "\(place): the field \(name) is a \(column.element), expected \(expected)")
    }
    return column
  }
}
