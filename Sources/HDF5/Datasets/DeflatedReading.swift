import CDeflate
import CHDF5
import Diagnosis

/// Reading of deflated chunks past HDF5's own filters and chunk cache: the chunks' bytes are taken as they lie in
/// the file, unpacked by libdeflate, which takes a third of zlib's time, and put in order by whole words.
///
/// Damaged chunks cannot make it write or take more than a chunk's size, which HDF5's own filters do not promise.
extension Dataset {
  /// Fills `bytes` with rows; false where they must be read through the library instead: another placement, chunks
  /// without a place in the file, and large chunks of which little is wanted, which are
  /// better kept in the library's cache. Call under the library's lock.
  ///
  /// The rows must be there, and `bytes` must have their size.
  /// - Throws: `.badData` where a chunk cannot be unpacked.
  func readDeflated(_ rows: Range<Int>, into bytes: UnsafeMutableRawBufferPointer, _ scope: Scope) throws -> Bool {
    guard !rows.isEmpty, case .deflatedRows(let layout) = try placement(scope) else { return false }
    let chunks = rows.lowerBound / layout.rowsPerChunk...(rows.upperBound - 1) / layout.rowsPerChunk
    guard layout.chunkBytes <= smallChunk || rows.count * 2 >= chunks.count * layout.rowsPerChunk else {
      return false
    }
    let memory = ChunkMemory.shared
    let rowBytes = layout.elementsPerRow * layout.elementBytes
    var filled = 0
    for chunk in chunks {
      let first = chunk * layout.rowsPerChunk
      guard let packed = try memory.loadChunk(startingAt: first, of: self, layout) else { return false }
      guard let plain = packed.isDeflated ? memory.unpack(packed.bytes, to: layout.chunkBytes) : packed.bytes,
        plain.count == layout.chunkBytes
      else {
        throw Failure(
          .badData,
          "\(filePath): \(name): the chunk of the rows from \(first) on is damaged, it cannot be unpacked")
      }
      let wanted = rows.clamped(to: first..<first + layout.rowsPerChunk)
      let destination = UnsafeMutableRawBufferPointer(rebasing: bytes[filled..<filled + wanted.count * rowBytes])
      let elements =
        (wanted.lowerBound - first) * layout.elementsPerRow..<(wanted.upperBound - first) * layout.elementsPerRow
      if packed.isShuffled {
        unshuffle(plain, elementBytes: layout.elementBytes, elements, to: destination)
      } else {
        destination.copyMemory(
          from: UnsafeRawBufferPointer(
            rebasing: plain[elements.lowerBound * layout.elementBytes..<elements.upperBound * layout.elementBytes])
        )
      }
      filled += destination.count
    }
    return true
  }
}

extension Dataset {
  /// Looks up every chunk, so that a damaged index of them is noticed before values are needed.
  ///
  /// - Throws: `.badData` where a chunk is not there, or the values do not lie as this program writes them: then
  ///   nothing but finding the chunks is left to the library when they are read.
  public func checkChunks() throws {
    guard try storage().chunk != nil else { return }
    try Library.exclusively { scope in
      guard case .deflatedRows(let layout) = try placement(scope) else {
        throw Failure(
          .badData, "\(filePath): \(name) is not kept in chunks of whole rows, shuffled or not, and deflated")
      }
      for row in stride(from: 0, to: shape[0], by: layout.rowsPerChunk) {
        guard try chunkBytes(startingAt: row, layout) != nil else {
          throw Failure(.badData, "\(filePath): \(name): damaged: there is no chunk of the rows from \(row) on")
        }
      }
    }
  }

  /// Bytes of a chunk as it lies in the file; nil where it has no place there. Call under the library's lock.
  /// - Throws: `.badData` where there are more than what it unpacks to can take.
  fileprivate func chunkBytes(startingAt row: Int, _ layout: DeflatedRows) throws -> Int? {
    var size: hsize_t = 0
    guard H5Dget_chunk_storage_size(identifier.number, chunkOffset(row), &size) >= 0, size > 0 else {
      H5Eclear2(hid_t(H5E_DEFAULT))
      return nil
    }
    // Deflate stores what it cannot compress with five bytes more for every 16 KB, or fewer.
    guard size <= UInt64(layout.chunkBytes + layout.chunkBytes >> 3 + 1024) else {
      throw Failure(
        .badData,
        "\(filePath): \(name): the chunk of the rows from \(row) on is damaged: it has \(size) bytes, "
          + "unpacked it should have \(layout.chunkBytes)")
    }
    return Int(size)
  }

  fileprivate func chunkOffset(_ row: Int) -> [hsize_t] {
    [hsize_t(row)] + [hsize_t](repeating: 0, count: shape.count - 1)
  }
}

/// Chunks of up to this size are unpacked again for every reading; real track files' have 8 to 16 KB.
private let smallChunk = 64 << 10

/// The memory and the tool for unpacking chunks, made once. Used under the library's lock.
private final class ChunkMemory {
  nonisolated(unsafe) static let shared = ChunkMemory()

  private let decompressor = libdeflate_alloc_decompressor()
  private var packed = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  private var plain = UnsafeMutableRawBufferPointer(start: nil, count: 0)

  /// A chunk's bytes as they lie in the file, and which filters they went through.
  struct Packed {
    let bytes: UnsafeRawBufferPointer
    let isDeflated: Bool
    let isShuffled: Bool
  }

  /// A chunk as it lies in the file; nil where it has no place there.
  /// - Throws: `.badData` where it cannot be read, or has more bytes than what it unpacks to can take.
  func loadChunk(startingAt row: Int, of dataset: Dataset, _ layout: DeflatedRows) throws -> Packed? {
    guard let size = try dataset.chunkBytes(startingAt: row, layout) else { return nil }
    ChunkMemory.grow(&packed, to: size)
    // The library leaves out a filter that gains nothing: a bit for each, the first one's the lowest.
    var leftOut: UInt32 = 0
    try dataset.checked(
      H5Dread_chunk(
        dataset.identifier.number, hid_t(H5P_DEFAULT), dataset.chunkOffset(row), &leftOut, packed.baseAddress),
      "reading the chunk of the rows from \(row) on")
    let deflate: UInt32 = layout.isShuffled ? 2 : 1
    return Packed(
      bytes: UnsafeRawBufferPointer(rebasing: packed[..<size]), isDeflated: leftOut & deflate == 0,
      isShuffled: layout.isShuffled && leftOut & 1 == 0)
  }

  /// Unpacks to exactly `bytes` bytes and checks their sum; nil where the contents are damaged.
  func unpack(_ packed: UnsafeRawBufferPointer, to bytes: Int) -> UnsafeRawBufferPointer? {
    guard let decompressor else { return nil }
    ChunkMemory.grow(&plain, to: bytes)
    let result = libdeflate_zlib_decompress(
      decompressor, packed.baseAddress, packed.count, plain.baseAddress, bytes, nil)
    return result == LIBDEFLATE_SUCCESS ? UnsafeRawBufferPointer(rebasing: plain[..<bytes]) : nil
  }

  private static func grow(_ buffer: inout UnsafeMutableRawBufferPointer, to bytes: Int) {
    guard buffer.count < bytes else { return }
    buffer.deallocate()
    buffer = .allocate(byteCount: max(bytes, 64 << 10), alignment: 64)
  }
}

/// Puts together what HDF5's shuffle filter has taken apart: it stores the first bytes of all elements, then all
/// second bytes, and so on.
private func unshuffle(
  _ planes: UnsafeRawBufferPointer, elementBytes: Int, _ elements: Range<Int>,
  to destination: UnsafeMutableRawBufferPointer
) {
  let planeBytes = planes.count / elementBytes
  let source = planes.baseAddress! + elements.lowerBound
  let target = destination.baseAddress!
  var done = 0
  if elementBytes == 8 {
    while done + 8 <= elements.count {
      transposeEightWords(source + done, planeBytes, to: target + done * 8)
      done += 8
    }
  }
  for element in done..<max(done, elements.count) {
    for byte in 0..<elementBytes {
      target.storeBytes(
        of: source.load(fromByteOffset: byte &* planeBytes &+ element, as: UInt8.self),
        toByteOffset: element &* elementBytes &+ byte, as: UInt8.self)
    }
  }
}

/// Eight elements of eight bytes: the bytes of a word of each plane, as the 8 × 8 matrix that they are, transposed
/// by exchanging blocks of four, two and one (Warren, Hacker's Delight, 7-3).
@inline(__always)
private func transposeEightWords(_ source: UnsafeRawPointer, _ planeBytes: Int, to target: UnsafeMutableRawPointer)
{
  func load(_ plane: Int) -> UInt64 {
    UInt64(littleEndian: source.loadUnaligned(fromByteOffset: plane &* planeBytes, as: UInt64.self))
  }
  func exchange(_ low: inout UInt64, _ high: inout UInt64, _ shift: UInt64, _ mask: UInt64) {
    let difference = ((low &>> shift) ^ high) & mask
    high ^= difference
    low ^= difference &<< shift
  }
  var (a, b, c, d) = (load(0), load(1), load(2), load(3))
  var (e, f, g, h) = (load(4), load(5), load(6), load(7))
  exchange(&a, &e, 32, 0x0000_0000_ffff_ffff)
  exchange(&b, &f, 32, 0x0000_0000_ffff_ffff)
  exchange(&c, &g, 32, 0x0000_0000_ffff_ffff)
  exchange(&d, &h, 32, 0x0000_0000_ffff_ffff)
  exchange(&a, &c, 16, 0x0000_ffff_0000_ffff)
  exchange(&b, &d, 16, 0x0000_ffff_0000_ffff)
  exchange(&e, &g, 16, 0x0000_ffff_0000_ffff)
  exchange(&f, &h, 16, 0x0000_ffff_0000_ffff)
  exchange(&a, &b, 8, 0x00ff_00ff_00ff_00ff)
  exchange(&c, &d, 8, 0x00ff_00ff_00ff_00ff)
  exchange(&e, &f, 8, 0x00ff_00ff_00ff_00ff)
  exchange(&g, &h, 8, 0x00ff_00ff_00ff_00ff)
  func store(_ word: UInt64, _ element: Int) {
    target.storeBytes(of: word.littleEndian, toByteOffset: element &* 8, as: UInt64.self)
  }
  store(a, 0)
  store(b, 1)
  store(c, 2)
  store(d, 3)
  store(e, 4)
  store(f, 5)
  store(g, 6)
  store(h, 7)
}
