import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that grows: each append is one write at its end, so that a reader, or a kill, meets whole pieces.
public final class AppendedFile {
  public let path: String
  private let descriptor: Int32

  /// Opens a file for appending, made where it is missing.
  /// - Parameter isNew: refuse a file that is there already.
  /// - Throws: `fault`.
  public init(_ path: String, isNew: Bool = false) throws {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (isNew ? O_EXCL : 0), 0o666)
    guard descriptor >= 0 else { throw writingFailure(path, .last) }
  }

  deinit { close(descriptor) }

  /// Adds bytes at the end. Throws `unwritable`, with the system's words, such as those of a full disk.
  public func append(_ bytes: [UInt8]) throws {
    if let problem = bytes.withUnsafeBytes({ writeAll($0, to: descriptor) }) {
      throw writingFailure(path, problem)
    }
  }
}
