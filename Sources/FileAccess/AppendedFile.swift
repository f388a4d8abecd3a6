import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that grows: each append is one write at its end, so that a reader, or a kill, meets whole pieces.
///
/// What cannot be written now, as on a full disk, is kept and goes before the next piece: nothing is lost or torn for good
/// while the process lives.
public final class AppendedFile {
  public let path: String
  private let descriptor: Int32
  /// What has been given and is not in the file yet.
  private var waiting: [UInt8] = []

  /// Opens a file for appending, made where it is missing.
  /// - Parameters:
  ///   - path: of the file, for messages too.
  ///   - isNew: refuse a file that is there already.
  /// - Throws: `unwritable`.
  public init(_ path: String, isNew: Bool = false) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (isNew ? O_EXCL : 0), 0o666)
    guard descriptor >= 0 else { throw writingFailure(path, .last) }
  }

  deinit { close(descriptor) }

  /// Adds bytes at the end, behind what still waits.
  /// - Throws: `unwritable`, with the system's words, such as those of a full disk; what is not written waits.
  public func append(_ bytes: [UInt8]) throws {
    waiting += bytes
    try flush()
  }

  /// Waits until what has been written is on the disk.
  /// - Throws: `unwritable`.
  public func synchronize() throws {
    // What cannot be flushed, as some network file systems say with EINVAL, is kept safe in other ways.
    guard fdatasync(descriptor) == 0 || errno == EINVAL else { throw writingFailure(path, .last) }
  }

  /// Tries once more to write what waits. Throws as `append`.
  public func flush() throws {
    while !waiting.isEmpty {
      let count = waiting.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if count > 0 {
        waiting.removeFirst(count)
      } else if count == 0 || errno != EINTR {
        throw writingFailure(path, .last)
      }
    }
  }
}
