import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that appears whole or not at all: it is written under a name of its own in the same folder and renamed
/// when it is complete and on the disk.
public struct AtomicFile: Sendable {
  /// Where the file is to be.
  public let path: String
  /// Where it is written until then.
  public let temporaryPath: String

  /// - Parameter token: tells writers of the same path apart; the same on all ranks of a job.
  public init(_ path: String, token: UInt64) {
    self.path = path
    temporaryPath = "\(path).\(String(token, radix: 36)).partial"
  }

  /// Waits until the contents are on the disk, gives the file its name, waits until the folder is on the disk.
  public func commit() throws {
    do {
      try synchronise(temporaryPath, flags: O_RDONLY)
      guard rename(temporaryPath, path) == 0 else { throw SystemError.last }
      try synchronise(AtomicFile.folder(of: path), flags: O_RDONLY | O_DIRECTORY)
    } catch let error as SystemError {
      discard()
      throw Failure(.fault, "\(path): cannot be put in place: \(error)")
    }
  }

  /// Removes what has been written.
  public func discard() { unlink(temporaryPath) }

  private func synchronise(_ path: String, flags: Int32) throws(SystemError) {
    let descriptor = open(path, flags | O_CLOEXEC)
    guard descriptor >= 0 else { throw .last }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .last }
  }

  /// The folder part of a path, "." where there is none.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

/// Writes a small file whole: under a temporary name, to the disk, then renamed.
public func writeAtomically(_ text: String, to path: String, token: UInt64) throws {
  let file = AtomicFile(path, token: token)
  let descriptor = open(file.temporaryPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw Failure(.fault, "\(path): cannot be written: \(SystemError.last)") }
  var text = text
  let problem: SystemError? = text.withUTF8 { bytes in
    var written = 0
    while written < bytes.count {
      let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count < 0 && errno == EINTR { continue }
      if count < 0 { return .last }
      written += count
    }
    return nil
  }
  close(descriptor)
  if let problem {
    file.discard()
    throw Failure(.fault, "\(path): cannot be written: \(problem)")
  }
  try file.commit()
}

extension AtomicFile {
  /// Makes sure that so many more bytes find room on the disk, so that a full disk is noticed here, by one rank,
  /// and not in the middle of a write that all ranks take part in.
  /// - Throws: `fault` where there is not enough room.
  public func checkRoom(for bytes: Int) throws {
    guard let free = freeBytes(onDiskOf: AtomicFile.folder(of: path)), free < bytes else { return }
    throw Failure(
      .fault, "\(path): the disk is full: up to \(bytes) more bytes are to be written, \(free) are free")
  }
}

/// Bytes that this user may still write to the disk that holds a folder; nil where the system does not say.
public func freeBytes(onDiskOf folder: String) -> Int? {
  var status = statvfs()
  guard statvfs(folder, &status) == 0 else { return nil }
  return Int(status.f_bavail) * Int(status.f_frsize)
}

/// Removes a file; none at that path is as good.
public func removeFile(_ path: String) { unlink(path) }
