import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file for what is too much to be kept in memory: it is written once, then read from its start.
///
/// It has no name from its first moment on, so that nothing is left of it, however the process ends.
public final class SpillFile {
  private let path: String
  private let descriptor: Int32
  /// Bytes written so far.
  public private(set) var count = 0
  private var position = 0

  /// - Parameter path: where the file stands while it is made; it is to be on a disk with room.
  /// - Throws: `fault` with the system's words.
  public init(_ path: String) throws {
    self.path = path
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw writingFailure(path, .last) }
    unlink(path)
  }

  deinit { close(descriptor) }

  /// Adds bytes at the end. Throws `unwritable`, which says so where the disk is full.
  public func append(_ bytes: [UInt8]) throws {
    if let problem = bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      throw writingFailure(path, problem)
    }
    count += bytes.count
  }

  /// Lets reading begin at the start again.
  public func rewind() { position = 0 }

  public var isAtEnd: Bool { position == count }

  /// The next bytes. Throws `fault` where there are not as many.
  public func read(_ wanted: Int) throws -> [UInt8] {
    guard wanted >= 0, wanted <= count - position else {
      throw Failure(.fault, "\(path): \(wanted) bytes are to be read, \(count - position) are left")
    }
    var problem: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: wanted) { buffer, filled in
      while filled < wanted {
        let got = pread(descriptor, buffer.baseAddress! + filled, wanted - filled, off_t(position + filled))
        if got < 0 && errno == EINTR { continue }
        if got < 0 { problem = .last }
        if got <= 0 { break }
        filled += got
      }
    }
    guard bytes.count == wanted else {
      throw Failure(.fault, "\(path): cannot be read: \(problem?.description ?? "it has become shorter")")
    }
    position += wanted
    return bytes
  }
}
