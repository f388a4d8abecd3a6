import CHDF5
import Diagnosis

extension Dataset {
  /// Every element, the last axis running fastest.
  ///
  /// - Parameters:
  ///   - type: of the elements in memory; every value of the file's type must fit it.
  ///   - limit: the most elements the caller is ready for, checked before memory is taken.
  /// - Throws: `.badData` for another element type, more elements than `limit`, or damaged contents.
  public func read<E: Element>(_ type: E.Type = E.self, limit: Int) throws -> [E] {
    try checkElement(E.elementType)
    try checkLimit(limit)
    return try Library.exclusively { scope in
      try transfer(
        count: count, memorySpace: hid_t(H5S_ALL), fileSpace: hid_t(H5S_ALL), list: hid_t(H5P_DEFAULT), scope)
    }
  }

  /// A block of elements: `count` along each axis from `start` on.
  public func read<E: Element>(_ type: E.Type = E.self, from start: [Int], count block: [Int]) throws -> [E] {
    try checkElement(E.elementType)
    return try Library.exclusively { scope in
      let selection = try select(start, block, scope)
      return try transfer(
        count: elementCount(block), memorySpace: selection.memory, fileSpace: selection.file,
        list: hid_t(H5P_DEFAULT), scope)
    }
  }

  /// Rows of the first axis, whole along all others.
  public func read<E: Element>(_ type: E.Type = E.self, rows: Range<Int>) throws -> [E] {
    if let values = try readDeflated(type, rows: rows) { return values }
    return try read(
      type, from: [rows.lowerBound] + shape.dropFirst().map { _ in 0 }, count: [rows.count] + shape.dropFirst())
  }

  /// Rows of elements that lie in the file as they lie in memory, unpacked by the program itself; nil where the
  /// library must read them, or say what is wrong.
  private func readDeflated<E: Element>(_ type: E.Type, rows: Range<Int>) throws -> [E]? {
    guard 1.littleEndian == 1, !shape.isEmpty, element.bytes == E.elementType.bytes, rows.lowerBound >= 0,
      rows.upperBound <= shape[0]
    else { return nil }
    let (count, overflow) = elementCount(Array(shape.dropFirst())).multipliedReportingOverflow(by: rows.count)
    guard !overflow, count > 0, count <= Int.max / element.bytes else { return nil }
    return try Library.exclusively { scope in
      // First of all, so that no memory is taken for what is not there.
      guard case .deflatedRows = try placement(scope),
        H5Tequal(self.type.number, E.elementType.fileType(scope)) > 0
      else { return nil }
      var isRead = false
      let values = try [E](unsafeUninitializedCapacity: count) { buffer, filled in
        isRead = try readDeflated(rows, into: UnsafeMutableRawBufferPointer(buffer.extracting(..<count)), scope)
        filled = isRead ? count : 0
      }
      return isRead ? values : nil
    }
  }

  /// A single value.
  public func readScalar<E: Element>(_ type: E.Type = E.self) throws -> E {
    let values = try read(type, limit: 1)
    guard let value = values.first else {
      throw Failure(.badData, "\(filePath): \(name) is empty, expected one value")
    }
    return value
  }

  private func transfer<E: Element>(count: Int, memorySpace: hid_t, fileSpace: hid_t, list: hid_t, _ scope: Scope)
    throws -> [E]
  {
    _ = try placement(scope)
    let memory = E.elementType.memoryType(scope)
    var status: herr_t = 0
    // One element is reserved even for an empty block: HDF5 refuses a null pointer there.
    let values = [E](unsafeUninitializedCapacity: max(count, 1)) { buffer, filled in
      status = H5Dread(identifier.number, memory, memorySpace, fileSpace, list, buffer.baseAddress)
      filled = status < 0 ? 0 : count
    }
    try checked(status, "reading")
    return values
  }

  /// HDF5's selections, in memory and in the file, of a block that must lie inside the dataset.
  func select(_ start: [Int], _ block: [Int], _ scope: Scope) throws -> (memory: hid_t, file: hid_t) {
    let fits =
      start.count == shape.count && block.count == shape.count && !shape.isEmpty
      && zip(zip(start, block), shape).allSatisfy { place, extent in
        place.0 >= 0 && place.1 >= 0 && place.0 <= extent && place.1 <= extent - place.0
      }
    guard fits else {
      throw Failure(
        .badData, "\(filePath): \(name) has the shape \(shape); there is no block \(block) from \(start) in it")
    }
    let file = scope.own(try checked(H5Dget_space(identifier.number), "selecting"), H5Sclose)
    let memory = scope.own(
      H5Screate_simple(Int32(block.count), block.map(hsize_t.init), nil), H5Sclose)
    if block.contains(0) {
      H5Sselect_none(file)
      H5Sselect_none(memory)
    } else {
      try checked(
        H5Sselect_hyperslab(
          file, H5S_SELECT_SET, start.map(hsize_t.init), nil, block.map(hsize_t.init), nil), "selecting")
    }
    return (memory, file)
  }
}
