import CHDF5
import Diagnosis

/// The largest text element taken for sane; the data set's own are up to 1,024 bytes.
private let longestText = 16 << 20

extension Dataset {
  /// Every text of a dataset of fixed-length or variable-length texts. Bytes that are no UTF-8 are replaced.
  ///
  /// - Parameters:
  ///   - limit: the most texts the caller is ready for.
  ///   - byteLimit: the most bytes of fixed-length texts together.
  public func readStrings(limit: Int, byteLimit: Int = 1 << 30) throws -> [String] {
    try checkLimit(limit)
    let (bytes, overflow) = count.multipliedReportingOverflow(by: element.bytes)
    guard !overflow, bytes <= byteLimit else {
      throw Failure(
        .badData, "\(filePath): \(name) has \(count) texts of \(element.bytes) bytes, more than \(byteLimit) bytes"
      )
    }
    let all = Selection(memory: hid_t(H5S_ALL), file: hid_t(H5S_ALL))
    return try Library.exclusively { scope in try readStrings(count: count, all, scope) }
  }

  /// The texts of some rows of a dataset with one axis.
  public func readStrings(rows: Range<Int>) throws -> [String] {
    try Library.exclusively { scope in
      let selection = try select([rows.lowerBound], [rows.count], scope)
      return try readStrings(
        count: rows.count, Selection(memory: selection.memory, file: selection.file), scope)
    }
  }

  /// Writes texts into a dataset of fixed-length texts from row `firstRow` on.
  ///
  /// Texts that are longer than an element are an error, not cut.
  public func write(strings: [String], fromRow firstRow: Int = 0) throws {
    guard element.elementClass == .fixedString else {
      throw Failure(.fault, "\(filePath): \(name) holds \(element) elements, expected texts")
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(strings.count * element.bytes)
    for string in strings {
      guard string.utf8.count <= element.bytes else {
        throw Failure(
          .fault,
          "\(filePath): \(name): the text \"\(string.prefix(40))\" has \(string.utf8.count) bytes, at most \(element.bytes) fit"
        )
      }
      bytes.append(contentsOf: string.utf8)
      bytes.append(contentsOf: repeatElement(0, count: element.bytes - string.utf8.count))
    }
    let type: (Scope) -> hid_t = { _ in self.type.number }
    if shape.isEmpty {
      guard strings.count == 1 else { throw countFailure(strings.count, 1) }
      try Library.exclusively { scope in
        let status = together("writing of \(name) in") {
          H5Dwrite(identifier.number, type(scope), hid_t(H5S_ALL), hid_t(H5S_ALL), transferList, bytes)
        }
        try checked(status, "writing", writing: true)
      }
    } else {
      try write(bytes, memory: type, valueCount: strings.count, [firstRow], [strings.count])
    }
  }

  private struct Selection {
    let memory: hid_t
    let file: hid_t
  }

  private func readStrings(count: Int, _ selection: Selection, _ scope: Scope) throws -> [String] {
    _ = try placement(scope)
    let type = self.type.number
    switch element.elementClass {
    case .fixedString:
      guard element.bytes <= longestText, count <= Int.max / max(element.bytes, 1) else {
        throw Failure(
          .badData, "\(filePath): \(name) holds texts of \(element.bytes) bytes, expected at most \(longestText)")
      }
      var bytes = [UInt8](repeating: 0, count: max(count * element.bytes, 1))
      try checked(
        H5Dread(
          identifier.number, type, selection.memory, selection.file, hid_t(H5P_DEFAULT), &bytes), "reading")
      let padding = H5Tget_strpad(type)
      return (0..<count).map { row in
        text(bytes[(row * element.bytes)..<((row + 1) * element.bytes)], spacePadded: padding == H5T_STR_SPACEPAD)
      }
    case .variableString:
      return try readVariableStrings(count: count, selection, type)
    default:
      throw Failure(.badData, "\(filePath): \(name) holds \(element) elements, expected texts")
    }
  }

  private func readVariableStrings(count: Int, _ selection: Selection, _ type: hid_t) throws -> [String] {
    var addresses = [UnsafeMutablePointer<CChar>?](repeating: nil, count: max(count, 1))
    try checked(
      H5Dread(
        identifier.number, type, selection.memory, selection.file, hid_t(H5P_DEFAULT), &addresses),
      "reading")
    defer { for address in addresses { if let address { H5free_memory(address) } } }
    return addresses.prefix(count).map { $0.map { String(cString: $0) } ?? "" }
  }
}

/// The text of a fixed-length element: up to the first zero, without trailing blanks where those pad it.
func text(_ bytes: ArraySlice<UInt8>, spacePadded: Bool = false) -> String {
  var bytes = bytes
  if let zero = bytes.firstIndex(of: 0) { bytes = bytes[..<zero] }
  if spacePadded { while bytes.last == 0x20 { bytes.removeLast() } }
  return String(decoding: bytes, as: UTF8.self)
}
