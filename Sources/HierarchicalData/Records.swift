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
      records.flatMap(\.bytes), memory: { $0.own(H5Dget_type(self.identifier.number), H5Tclose) },
      valueCount: records.count, [firstRow], [records.count], collective: false)
  }

  /// Some rows of a table, as they lie in the file; `RecordRows` takes fields out of them.
  ///
  /// - Parameter limit: the most bytes the caller is ready for.
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
      let type = try checked(H5Dget_type(identifier.number), "reading its type")
      let keeper = Identifier(type, close: H5Tclose)
      defer { withExtendedLifetime(keeper) {} }
      guard H5Tdetect_class(type, H5T_VLEN) <= 0 else {
        throw Failure(.badData, "\(filePath): \(name) has fields of variable length, expected fixed lengths")
      }
      // The file's own type in memory: HDF5 then copies rows instead of converting every field.
      var status: herr_t = 0
      let wholeTable = rows == 0..<shape[0]
      let selection = wholeTable ? nil : try select([rows.lowerBound], [rows.count], scope)
      let bytes = [UInt8](unsafeUninitializedCapacity: max(size, 1)) { buffer, count in
        status = H5Dread(
          identifier.number, type, selection?.memory ?? hid_t(H5S_ALL),
          selection?.file ?? hid_t(H5S_ALL), hid_t(H5P_DEFAULT), buffer.baseAddress)
        count = status < 0 ? 0 : size
      }
      try checked(status, "reading")
      return RecordRows(bytes: bytes, count: rows.count, dataset: self, type: keeper)
    }
  }
}

/// Rows of a table in memory.
public struct RecordRows {
  /// How many rows.
  public let count: Int
  private let bytes: [UInt8]
  private let dataset: Dataset
  private let type: Identifier

  init(bytes: [UInt8], count: Int, dataset: Dataset, type: Identifier) {
    self.bytes = bytes
    self.count = count
    self.dataset = dataset
    self.type = type
  }

  /// Where a field's values lie in each row.
  public struct Column: Sendable {
    let offset: Int
    let bytes: Int
    let spacePadded: Bool
    let bigEndian: Bool
  }

  /// Whether the records have a field of this name.
  public func hasColumn(_ name: String) -> Bool {
    Library.exclusively { _ in
      let index = H5Tget_member_index(type.number, name)
      if index < 0 { H5Eclear2(hid_t(H5E_DEFAULT)) }
      return index >= 0
    }
  }

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
    let start = row * dataset.element.bytes + column.offset
    return text(bytes[start..<(start + column.bytes)], spacePadded: column.spacePadded)
  }

  /// A number.
  public func value<E: Element>(_ column: Column, row: Int, as _: E.Type = E.self) -> E {
    let start = row * dataset.element.bytes + column.offset
    let field = bytes[start..<(start + column.bytes)]
    let bigEndianHost = 1.bigEndian == 1
    let ordered = column.bigEndian == bigEndianHost ? Array(field) : Array(field.reversed())
    return ordered.withUnsafeBytes { $0.loadUnaligned(as: E.self) }
  }

  private func column(
    _ name: String, expected: String, _ accepts: (ElementDescription) -> Bool
  ) throws -> Column {
    try Library.exclusively { scope in
      let index = H5Tget_member_index(type.number, name)
      guard index >= 0 else {
        H5Eclear2(hid_t(H5E_DEFAULT))
        throw Failure(.badData, "\(dataset.filePath): \(dataset.name) has no field \(name)")
      }
      let member = scope.own(H5Tget_member_type(type.number, UInt32(index)), H5Tclose)
      let description = ElementDescription(ofType: member)
      let offset = H5Tget_member_offset(type.number, UInt32(index))
      guard accepts(description), offset + description.bytes <= dataset.element.bytes else {
        throw Failure(
          .badData,
          "\(dataset.filePath): \(dataset.name): the field \(name) is a \(description), expected \(expected)")
      }
      return Column(
        offset: offset, bytes: description.bytes,
        spacePadded: description.elementClass == .fixedString
          && H5Tget_strpad(member) == H5T_STR_SPACEPAD,
        bigEndian: description.elementClass != .fixedString && H5Tget_order(member) == H5T_ORDER_BE)
    }
  }
}
