import CHDF5
import Diagnosis

/// How the values of a dataset lie in its file, as far as reading them depends on it.
enum ValuePlacement {
  /// For the library to read.
  case any
  /// In chunks that this program can unpack by itself.
  case deflatedRows(DeflatedRows)
}

/// Chunks of whole rows, deflated, their bytes shuffled or not.
struct DeflatedRows {
  /// Rows of one chunk; a row is everything along the axes but the first.
  let rowsPerChunk: Int
  let elementsPerRow: Int
  let elementBytes: Int
  let isShuffled: Bool

  var chunkBytes: Int { rowsPerChunk * elementsPerRow * elementBytes }
}

/// HDF5 takes memory for a whole chunk before it reads a value of it. The data set's own have up to 24 KB,
/// snapshots' a few megabytes.
private let largestChunk = 256 << 20

extension Dataset {
  /// Looks up the placement. Call under the library's lock.
  ///
  /// - Throws: `.badData` for values that lie in other files (a hostile file could name any, or a pipe that nobody
  ///   writes to) and for chunks too large to be true.
  func findPlacement(_ scope: Scope) throws -> ValuePlacement {
    let list = creation.number
    switch H5Pget_layout(list) {
    case H5D_CHUNKED: return try placement(ofChunks: list)
    case H5D_CONTIGUOUS where H5Pget_external_count(list) == 0: return .any
    case H5D_COMPACT: return .any
    default: throw Self.elsewhere(filePath, name)
    }
  }

  static func elsewhere(_ filePath: String, _ name: String) -> Failure {
    Failure(.badData, "\(filePath): \(name) keeps its values in other files, expected them in this one")
  }

  private func placement(ofChunks list: hid_t) throws -> ValuePlacement {
    var extents = [hsize_t](repeating: 0, count: shape.count)
    let rank = try checked(H5Pget_chunk(list, Int32(shape.count), &extents), "reading its chunk shape")
    let chunk = extents.map { Int(clamping: $0) }
    let (bytes, overflow) = elementCount(chunk).multipliedReportingOverflow(by: element.bytes)
    guard !overflow, bytes <= largestChunk else {
      throw Failure(
        .badData,
        "\(filePath): \(name) has chunks of the shape \(chunk), expected at most \(largestChunk) bytes each")
    }
    guard Int(rank) == shape.count, bytes > 0, chunk.dropFirst() == shape.dropFirst(),
      let isShuffled = shuffling(list)
    else { return .any }
    return .deflatedRows(
      DeflatedRows(
        rowsPerChunk: chunk[0], elementsPerRow: elementCount(Array(chunk.dropFirst())),
        elementBytes: element.bytes, isShuffled: isShuffled))
  }

  /// Whether the bytes were shuffled before they were deflated; nil for any other filters than these two.
  private func shuffling(_ list: hid_t) -> Bool? {
    let count = H5Pget_nfilters(list)
    guard count == 1 || count == 2 else { return nil }
    func filter(_ index: UInt32) -> (number: H5Z_filter_t, parameter: UInt32) {
      var parameters: [UInt32] = [0, 0, 0, 0]
      var parameterCount = parameters.count
      var flags: UInt32 = 0
      let number = H5Pget_filter2(list, index, &flags, &parameterCount, &parameters, 0, nil, nil)
      return (number, parameters[0])
    }
    guard filter(UInt32(count) - 1).number == H5Z_FILTER_DEFLATE else { return nil }
    if count == 1 { return false }
    let first = filter(0)
    return first.number == H5Z_FILTER_SHUFFLE && first.parameter == element.bytes ? true : nil
  }
}
