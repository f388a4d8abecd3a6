import CHDF5
import Diagnosis

extension Dataset {
  /// Writes every element, the last axis running fastest. The count must be the dataset's own. Of a file of all ranks
  /// each writes all.
  ///
  /// - Throws: `.fault`, which says so where the disk is full.
  public func write<E: Element>(_ values: [E]) throws {
    try checkElement(E.elementType)
    guard values.count == count else { throw countFailure(values.count, count) }
    guard !values.isEmpty else { return }
    try Library.exclusively { scope in
      let memory = E.elementType.memoryType(scope)
      let status = together("writing of \(name) in") {
        H5Dwrite(identifier.number, memory, hid_t(H5S_ALL), hid_t(H5S_ALL), transferList, values)
      }
      try checked(status, "writing", writing: true)
    }
  }

  /// Writes a block of elements: `count` along each axis from `start` on.
  ///
  /// In a file of all ranks each writes its own block, which may be empty.
  public func write<E: Element>(_ values: [E], from start: [Int], count block: [Int]) throws {
    try checkElement(E.elementType)
    try write(values, memory: { E.elementType.memoryType($0) }, valueCount: values.count, start, block)
  }

  /// Writes rows of the first axis from `firstRow` on, whole along all others.
  public func write<E: Element>(_ values: [E], fromRow firstRow: Int) throws {
    let rowSize = elementCount(Array(shape.dropFirst()))
    guard rowSize > 0, values.count % rowSize == 0 else { throw countFailure(values.count, rowSize) }
    try write(
      values, from: [firstRow] + shape.dropFirst().map { _ in 0 },
      count: [values.count / rowSize] + shape.dropFirst())
  }

  /// Writes a block whose values' memory type is made by `memory`; `valueCount` is in elements.
  func write<Value: BitwiseCopyable>(
    _ values: [Value], memory: (Scope) -> hid_t, valueCount: Int, _ start: [Int], _ block: [Int]
  ) throws {
    guard valueCount == elementCount(block) else { throw countFailure(valueCount, elementCount(block)) }
    try Library.exclusively { scope in
      let selection = try select(start, block, scope)
      let type = memory(scope)
      // A rank without values still takes part, and HDF5 wants an address from it.
      var none: UInt64 = 0
      let status = together("writing of \(name) in") {
        values.isEmpty
          ? H5Dwrite(identifier.number, type, selection.memory, selection.file, transferList, &none)
          : H5Dwrite(identifier.number, type, selection.memory, selection.file, transferList, values)
      }
      try checked(status, "writing", writing: true)
    }
  }

  func countFailure(_ found: Int, _ expected: Int) -> Failure {
    Failure(.fault, "\(filePath): \(name): \(found) values to write, expected \(expected)")
  }
}
