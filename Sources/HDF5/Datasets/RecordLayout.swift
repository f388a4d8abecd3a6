import CHDF5

/// Where the fields of a record type lie.
///
/// The files of a tree all have the same few record types; looking up a field in one of them costs more calls than
/// reading it. So what was found out about a type is kept and used again for equal ones.
final class RecordLayout {
  let hasVariableLengths: Bool
  private let type: Identifier
  private var columns: [String: RecordRows.Column?] = [:]

  private init(_ type: Identifier) {
    self.type = type
    hasVariableLengths = H5Tdetect_class(type.number, H5T_VLEN) > 0
  }

  /// The layouts used last, the last first. Under the library's lock.
  nonisolated(unsafe) private static var recent: [RecordLayout] = []
  private static let mostRecent = 8
  /// A hostile file may be asked for no more names than the program has; this many are more than that.
  private static let mostColumns = 256

  /// The layout of a file's type. Call under the library's lock.
  static func of(_ type: Identifier) -> RecordLayout {
    if let index = recent.firstIndex(where: { H5Tequal($0.type.number, type.number) > 0 }) {
      let layout = recent[index]
      if index > 0 { recent.insert(recent.remove(at: index), at: 0) }
      return layout
    }
    // A copy depends on no file.
    let copy = H5Tcopy(type.number)
    let layout = RecordLayout(copy < 0 ? type : Identifier(copy, close: H5Tclose))
    recent.insert(layout, at: 0)
    if recent.count > mostRecent { recent.removeLast() }
    return layout
  }

  /// Where a field lies; nil where there is none. Call under the library's lock.
  func column(_ name: String) -> RecordRows.Column? {
    if let known = columns[name] { return known }
    let column = findColumn(name)
    if columns.count < RecordLayout.mostColumns { columns[name] = .some(column) }
    return column
  }

  private func findColumn(_ name: String) -> RecordRows.Column? {
    let index = H5Tget_member_index(type.number, name)
    guard index >= 0 else {
      H5Eclear2(hid_t(H5E_DEFAULT))
      return nil
    }
    let member = H5Tget_member_type(type.number, UInt32(index))
    defer { H5Tclose(member) }
    let description = ElementDescription(ofType: member)
    let isText = description.elementClass == .fixedString
    return RecordRows.Column(
      offset: H5Tget_member_offset(type.number, UInt32(index)), element: description,
      spacePadded: isText && H5Tget_strpad(member) == H5T_STR_SPACEPAD,
      bigEndian: !isText && H5Tget_order(member) == H5T_ORDER_BE)
  }
}
