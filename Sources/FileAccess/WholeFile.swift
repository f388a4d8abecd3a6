#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why a file could not be read whole.
public enum WholeFileError: Error, Equatable, Sendable, CustomStringConvertible {
  case system(SystemError)
  /// A folder, a pipe, a device: reading it could wait for ever.
  case notAFile
  case tooLarge(bytes: Int, limit: Int)

  public var description: String {
    switch self {
    case .system(let error): error.description
    case .notAFile: "is not a regular file"
    case .tooLarge(let bytes, let limit): "has \(bytes) bytes, more than the \(limit) that such a file may have"
    }
  }
}

/// Throws where a path leads to no regular file, or to one of more than `limit` bytes: what a library that opens
/// files itself must be kept from, since it might wait for ever. Returns the file's size in bytes.
@discardableResult
public func checkRegularFile(_ path: String, limit: Int) throws(WholeFileError) -> Int {
  var status = stat()
  guard stat(path, &status) == 0 else { throw .system(.last) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
  guard status.st_size <= limit else { throw .tooLarge(bytes: Int(status.st_size), limit: limit) }
  return Int(status.st_size)
}

/// The bytes of a regular file, at most `limit` of them; never waits on a pipe or device.
public func readWholeFile(_ path: String, limit: Int) throws(WholeFileError) -> [UInt8] {
  try reading(path) { (descriptor, size) throws(WholeFileError) in
    guard size <= limit else { throw .tooLarge(bytes: size, limit: limit) }
    return try bytes(size, of: descriptor)
  }
}

/// The first bytes of a regular file, fewer where it is shorter: enough to tell what kind of file it is.
public func readStart(of path: String, count: Int) throws(WholeFileError) -> [UInt8] {
  try reading(path) { (descriptor, size) throws(WholeFileError) in try bytes(min(count, size), of: descriptor) }
}

/// Reads a regular file from its start to its end and keeps nothing: whatever is wrong with its bytes afterwards, the
/// disk has given them.
public func readThrough(_ path: String) throws(WholeFileError) {
  try reading(path) { (descriptor, _) throws(WholeFileError) in
    var buffer = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let got = read(descriptor, &buffer, buffer.count)
      if got == 0 { return }
      if got < 0 && errno != EINTR { throw .system(.last) }
    }
  }
}

/// Opens a regular file, hands on its descriptor and size.
private func reading<Result>(
  _ path: String, _ body: (Int32, Int) throws(WholeFileError) -> Result
) throws(WholeFileError) -> Result {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else { throw .system(.last) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw .system(.last) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
  return try body(descriptor, Int(status.st_size))
}

/// A file's first bytes. One that shrank meanwhile is returned as short as it now is; its reader notices.
private func bytes(_ size: Int, of descriptor: Int32) throws(WholeFileError) -> [UInt8] {
  var problem: SystemError?
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let got = read(descriptor, buffer.baseAddress! + count, size - count)
      if got < 0 && errno == EINTR { continue }
      if got < 0 { problem = .last }
      if got <= 0 { break }
      count += got
    }
  }
  if let problem { throw .system(problem) }
  return bytes
}
