import ContentHashing
import Diagnosis
import FileAccess
import Foundation

/// A file of blocks that grows at its end and may be cut anywhere by a kill: whatever block is not whole is dropped when
/// it is opened again.
///
/// A block is the count of its bytes and their XXH64, 8 bytes each, and the bytes.
package final class BlockFile {
  package let path: String
  private let file: AppendedFile

  private static let headBytes = 16
  /// More than any chunk of songs takes.
  private static let mostBytes = 1 << 30

  /// Opens or makes a file.
  /// - Parameter found: is told of every whole block in turn, and cuts the file before one that it takes for none.
  /// - Throws: `unwritable`; what `found` throws.
  package init(_ path: String, found: ([UInt8]) throws -> Bool) throws {
    self.path = path
    var end = 0
    if FileManager.default.fileExists(atPath: path) {
      try BlockFile.read(path) { block in
        guard try found(block) else { return false }
        end += BlockFile.headBytes + block.count
        return true
      }
      do {
        let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path))
        try handle.truncate(atOffset: UInt64(end))
        try handle.close()
      } catch {
        throw Failure(.unwritable, "\(path): cannot be gone on with: \(error.localizedDescription)")
      }
    }
    file = try AppendedFile(path)
  }

  /// Adds a block, in one write.
  /// - Throws: `unwritable`; `fault` where the block is larger than any that is read again.
  package func append(_ block: [UInt8]) throws {
    guard block.count <= BlockFile.mostBytes else {
      throw Failure(.fault, "\(path): a block of \(block.count) bytes, expected at most \(BlockFile.mostBytes)")
    }
    try file.append(BlockFile.framed(block))
  }

  /// Waits until all blocks are on the disk.
  /// - Throws: `unwritable`.
  package func synchronize() throws { try file.synchronize() }

  /// A block as it lies in the file.
  static func framed(_ block: [UInt8]) -> [UInt8] {
    bytes(of: UInt64(block.count)) + bytes(of: hash(block)) + block
  }

  /// Every whole block in turn, until the body has seen enough.
  package func read(_ body: ([UInt8]) throws -> Bool) throws { try BlockFile.read(path, body) }

  /// The first block of a file; nil where there is none.
  static func first(of path: String) throws -> [UInt8]? {
    var first: [UInt8]?
    try read(path) { block in
      first = block
      return false
    }
    return first
  }

  /// - Throws: `missingInput` where the file cannot be read: that is not its end, and nothing may be cut off for it.
  private static func read(_ path: String, _ body: ([UInt8]) throws -> Bool) throws {
    guard let handle = FileHandle(forReadingAtPath: path) else {
      throw Failure(.missingInput, "\(path): cannot be read")
    }
    defer { try? handle.close() }
    func next(_ count: Int) throws -> [UInt8]? {
      do {
        guard let data = try handle.read(upToCount: count), data.count == count else { return nil }
        return [UInt8](data)
      } catch {
        throw Failure(.missingInput, "\(path): cannot be read on: \(error.localizedDescription)")
      }
    }
    while let head = try next(headBytes) {
      let count = number(head[..<8])
      guard (1...UInt64(mostBytes)).contains(count), let block = try next(Int(count)),
        hash(block) == number(head[8...])
      else { return }
      guard try body(block) else { return }
    }
  }

  private static func hash(_ bytes: [UInt8]) -> UInt64 {
    var hash = ContentHash()
    hash.append(bytes)
    return hash.value
  }

  private static func bytes(of number: UInt64) -> [UInt8] {
    (0..<8).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) }
  }
}
