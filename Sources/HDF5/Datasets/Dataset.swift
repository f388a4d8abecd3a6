import CHDF5
import Diagnosis

/// An array of elements in a file.
public final class Dataset: StoredObject {
  /// Elements along each axis; empty for a single value.
  public private(set) var shape: [Int]
  /// What one element is.
  public let element: ElementDescription
  /// The elements' type as the file has it.
  let type: Identifier
  /// How the dataset was made: its layout and filters.
  let creation: Identifier
  private var knownPlacement: ValuePlacement?

  /// Takes over an open dataset. Call under the library's lock.
  /// - Throws: `badData` for one whose type or shape cannot be told, and for one that is made of parts of other files:
  ///   to tell its shape the library would open those, whatever they are, or wait at a pipe.
  init(opened identifier: Identifier, name: String, filePath: String, scope: Scope) throws {
    let creation = H5Dget_create_plist(identifier.number)
    self.creation = Identifier(creation, close: H5Pclose)
    guard creation >= 0 else {
      throw FailedCall(file: filePath, object: name, action: "reading its layout").failure(writing: false)
    }
    guard H5Pget_layout(creation) != H5D_VIRTUAL else { throw Self.elsewhere(filePath, name) }
    let type = H5Dget_type(identifier.number)
    self.type = Identifier(type, close: H5Tclose)
    let space = scope.own(H5Dget_space(identifier.number), H5Sclose)
    let rank = H5Sget_simple_extent_ndims(space)
    guard type >= 0, rank >= 0 else {
      throw FailedCall(file: filePath, object: name, action: "reading its type and shape").failure(writing: false)
    }
    let dimensions = [hsize_t](unsafeUninitializedCapacity: Int(rank)) { buffer, count in
      H5Sget_simple_extent_dims(space, buffer.baseAddress, nil)
      count = Int(rank)
    }
    shape = dimensions.map { Int(clamping: $0) }
    element = ElementDescription(ofType: type)
    super.init(identifier, name: name, filePath: filePath)
  }

  /// How many elements there are; `Int.max` where the product of the axes does not fit.
  public var count: Int { elementCount(shape) }

  /// Gives the first axis another length; rows beyond it are lost, new ones hold the fill value. Needs a layout
  /// whose first axis may grow so far. Collective in a file of all ranks.
  public func resize(rows: Int) throws {
    var extents = shape
    guard !extents.isEmpty, rows >= 0 else {
      throw Failure(.fault, "\(filePath): \(name) of shape \(shape) cannot have \(rows) rows")
    }
    extents[0] = rows
    _ = try Library.exclusively { _ in
      let status = together("resizing of \(name) in") {
        H5Dset_extent(identifier.number, extents.map(hsize_t.init))
      }
      try checked(status, "giving it \(rows) rows", writing: true)
    }
    shape = extents
  }

  /// How the values lie in the file, looked up once. Call under the library's lock.
  func placement(_ scope: Scope) throws -> ValuePlacement {
    if let knownPlacement { return knownPlacement }
    let placement = try findPlacement(scope)
    knownPlacement = placement
    return placement
  }

  /// Chunk shape and filters.
  public struct Storage: Sendable, Equatable {
    /// Elements of one chunk along each axis; nil where the values lie in one block.
    public let chunk: [Int]?
    /// The filters' names and parameters, in the order of writing ("shuffle", "deflate").
    public let filters: [Filter]

    public struct Filter: Sendable, Equatable {
      public let name: String
      public let parameters: [UInt32]
    }
  }

  /// How the dataset is stored.
  public func storage() throws -> Storage {
    try Library.exclusively { scope in
      let list = creation.number
      var chunk: [Int]?
      if H5Pget_layout(list) == H5D_CHUNKED {
        var extents = [hsize_t](repeating: 0, count: shape.count)
        try checked(H5Pget_chunk(list, Int32(shape.count), &extents), "reading its chunk shape")
        chunk = extents.map { Int(clamping: $0) }
      }
      let count = try checked(H5Pget_nfilters(list), "reading its filters")
      return Storage(chunk: chunk, filters: try (0..<UInt32(count)).map { try filter($0, of: list) })
    }
  }

  private func filter(_ index: UInt32, of list: hid_t) throws -> Storage.Filter {
    var parameters = [UInt32](repeating: 0, count: 16)
    var count = parameters.count
    var flags: UInt32 = 0
    var configuration: UInt32 = 0
    var name = [CChar](repeating: 0, count: 64)
    try checked(
      H5Pget_filter2(list, index, &flags, &count, &parameters, name.count, &name, &configuration),
      "reading its filters")
    let text = name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    return Storage.Filter(
      name: String(decoding: text, as: UTF8.self),
      parameters: Array(parameters.prefix(min(count, parameters.count))))
  }

  /// Throws when the dataset holds more elements than the caller is ready for.
  func checkLimit(_ limit: Int) throws {
    guard count <= limit else {
      throw Failure(
        .badData,
        "\(filePath): \(name) has \(count == .max ? "too many" : "\(count)") elements, expected at most \(limit)")
    }
  }

  /// Throws when the elements are not of a type whose every value fits `wanted`.
  func checkElement(_ wanted: ElementType) throws {
    guard element.converts(to: wanted) else {
      throw Failure(.badData, "\(filePath): \(name) holds \(element) elements, expected \(wanted.words)")
    }
  }
}

/// The product of the axes, `Int.max` where it does not fit.
func elementCount(_ shape: [Int]) -> Int {
  var count = 1
  for extent in shape {
    let (product, overflow) = count.multipliedReportingOverflow(by: extent)
    if overflow { return shape.contains(0) ? 0 : .max }
    count = product
  }
  return count
}

extension ElementType {
  /// The type in the words of messages.
  var words: String {
    switch self {
    case .uint8: "8-bit unsigned integers"
    case .uint16: "16-bit unsigned integers"
    case .int32: "32-bit integers"
    case .int64: "64-bit integers"
    case .float16: "16-bit floats"
    case .float32, .float64: "floats"
    case .fixedString: "texts"
    case .record: "records"
    }
  }
}
