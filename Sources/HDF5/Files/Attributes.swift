import CHDF5
import Diagnosis

/// The most bytes of one attribute: HDF5's old object headers take no larger message.
private let largestAttribute = 64_000

extension StoredObject {
  /// Writes a text as an attribute of fixed length: `bytes`, by default just as long as the text.
  public func setAttribute(
    _ attribute: String, _ value: String, bytes: Int? = nil, characters: ElementType.CharacterSet = .utf8
  ) throws {
    let room = max(bytes ?? value.utf8.count, 1)
    guard value.utf8.count <= room, room <= largestAttribute else {
      throw Failure(
        .fault, "\(filePath): \(name): the attribute \(attribute) has \(value.utf8.count) bytes, more than fit")
    }
    let padded = Array(value.utf8) + repeatElement(0, count: room - value.utf8.count)
    try writeAttribute(attribute, .fixedString(bytes: room, characters), shape: [], padded)
  }

  /// Writes a single number as an attribute.
  public func setAttribute<E: Element>(_ attribute: String, _ value: E) throws {
    try writeAttribute(attribute, E.elementType, shape: [], [value])
  }

  /// Writes a row of numbers as an attribute.
  public func setAttribute<E: Element>(_ attribute: String, _ values: [E]) throws {
    guard values.count * E.elementType.bytes <= largestAttribute else {
      throw Failure(
        .fault, "\(filePath): \(name): the attribute \(attribute) has \(values.count) values, too many")
    }
    try writeAttribute(attribute, E.elementType, shape: [values.count], values)
  }

  public func hasAttribute(_ attribute: String) -> Bool {
    Library.exclusively { _ in H5Aexists(identifier.number, attribute) > 0 }
  }

  /// A text attribute. Throws `.badData` where it is missing or no text.
  public func textAttribute(_ attribute: String) throws -> String {
    try withAttribute(attribute, expected: "text") { open, type, count, _ in
      let description = ElementDescription(ofType: type)
      guard count == 1 else { return nil }
      switch description.elementClass {
      case .fixedString:
        var bytes = [UInt8](repeating: 0, count: max(description.bytes, 1))
        try checked(H5Aread(open, type, &bytes), "reading the attribute \(attribute)")
        return text(bytes[...], spacePadded: H5Tget_strpad(type) == H5T_STR_SPACEPAD)
      case .variableString:
        var address: UnsafeMutablePointer<CChar>?
        try checked(H5Aread(open, type, &address), "reading the attribute \(attribute)")
        defer { if let address { H5free_memory(address) } }
        return address.map { String(cString: $0) } ?? ""
      default: return nil
      }
    }
  }

  /// A number attribute. Throws `.badData` where it is missing or its type does not fit.
  public func attribute<E: Element>(_ attribute: String, as type: E.Type = E.self) throws -> E {
    let values = try attributes(attribute, as: type)
    guard values.count == 1, let value = values.first else {
      throw Failure(
        .badData, "\(filePath): \(name): the attribute \(attribute) has \(values.count) values, expected one")
    }
    return value
  }

  /// An attribute's row of numbers. Throws `.badData` where it is missing or its type does not fit.
  public func attributes<E: Element>(_ attribute: String, as _: E.Type = E.self) throws -> [E] {
    try withAttribute(attribute, expected: E.elementType.words) { open, type, count, scope in
      guard ElementDescription(ofType: type).converts(to: E.elementType), count <= largestAttribute else {
        return nil
      }
      var values = [E](repeating: .zero, count: max(count, 1))
      try checked(
        H5Aread(open, E.elementType.memoryType(scope), &values),
        "reading the attribute \(attribute)")
      return Array(values.prefix(count))
    }
  }

  /// Opens an attribute and hands its type and count on; `read` gives nil where these are not as expected.
  private func withAttribute<Value>(
    _ attribute: String, expected: String,
    _ read: (_ open: hid_t, _ type: hid_t, _ count: Int, Scope) throws -> Value?
  ) throws -> Value {
    try Library.exclusively { scope in
      guard H5Aexists(identifier.number, attribute) > 0 else {
        throw Failure(.badData, "\(filePath): \(name) has no attribute \(attribute)")
      }
      let open = scope.own(
        try checked(
          H5Aopen(identifier.number, attribute, hid_t(H5P_DEFAULT)), "opening the attribute \(attribute)"),
        H5Aclose)
      let type = scope.own(H5Aget_type(open), H5Tclose)
      let space = scope.own(H5Aget_space(open), H5Sclose)
      let count = Int(clamping: H5Sget_simple_extent_npoints(space))
      guard let value = try read(open, type, count, scope) else {
        throw Failure(
          .badData,
          "\(filePath): \(name): the attribute \(attribute) is \(count) × \(ElementDescription(ofType: type)), expected \(expected)"
        )
      }
      return value
    }
  }

  private func writeAttribute<Value: BitwiseCopyable>(
    _ attribute: String, _ type: ElementType, shape: [Int], _ values: [Value]
  ) throws {
    try Library.exclusively { scope in
      let fileType = type.fileType(scope)
      let memory = type.memoryType(scope)
      let space = scope.own(
        shape.isEmpty
          ? H5Screate(H5S_SCALAR) : H5Screate_simple(Int32(shape.count), shape.map(hsize_t.init), nil), H5Sclose)
      if H5Aexists(identifier.number, attribute) > 0 { H5Adelete(identifier.number, attribute) }
      let action = "writing the attribute \(attribute)"
      let open = scope.own(
        try checked(
          H5Acreate2(
            identifier.number, attribute, fileType, space, hid_t(H5P_DEFAULT), hid_t(H5P_DEFAULT)),
          action, writing: true),
        H5Aclose)
      if !values.isEmpty {
        try checked(H5Awrite(open, memory, values), action, writing: true)
      }
    }
  }
}
