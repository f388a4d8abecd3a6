import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Writes a file's bytes in place of what it held, without waiting for the disk: for files that are simply made
/// again when a run is repeated. Folders on the way are made.
///
/// - Throws: `.unwritable`, which says so where the disk is full.
public func writeWholeFile(_ bytes: [UInt8], to path: String) throws {
  let flags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC
  var descriptor = open(path, flags, 0o666)
  if descriptor < 0, errno == ENOENT {
    try makeFolders(AtomicFile.folder(of: path))
    descriptor = open(path, flags, 0o666)
  }
  guard descriptor >= 0 else { throw writingFailure(path, .last) }
  if let problem = bytes.withUnsafeBytes({ writeAllAndClose($0, descriptor) }) {
    throw writingFailure(path, problem)
  }
}

/// Makes a folder and those above it; folders that are there, or that another process makes meanwhile, are fine.
///
/// - Throws: `.fault`.
@discardableResult
public func makeFolders(_ path: String) throws -> [String] {
  if mkdir(path, 0o777) == 0 { return [path] }
  let problem = SystemError.last
  let parent = AtomicFile.folder(of: path)
  if problem.number == EEXIST, (try? PathKind(of: path)) == .folder { return [] }
  guard problem.number == ENOENT, parent != path, parent != "." else {
    throw Failure(.unwritable, "\(path): the folder cannot be made: \(problem)")
  }
  let parents = try makeFolders(parent)
  guard mkdir(path, 0o777) == 0 || errno == EEXIST else {
    throw Failure(.unwritable, "\(path): the folder cannot be made: \(SystemError.last)")
  }
  return parents + [path]
}

/// Writes every byte to an open file; what went wrong, or nil.
func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> SystemError? {
  var written = 0
  while written < bytes.count {
    let count = write(descriptor, bytes.baseAddress! + written, bytes.count - written)
    if count >= 0 {
      written += count
    } else if errno != EINTR {
      return .last
    }
  }
  return nil
}

/// Writes every byte and closes the file, whose last bytes may fail only then; what went wrong first, or nil.
/// - Parameter flushed: whether the file is flushed to the disk next, as it is made for lasting.
func writeAllAndClose(_ bytes: UnsafeRawBufferPointer, _ descriptor: Int32, flushed: Bool = false) -> SystemError?
{
  var problem: SystemError?
  do throws(SystemError) {
    let written = flushed ? try DirectWriting.writeBlocks(of: bytes, to: descriptor) : 0
    problem = writeAll(UnsafeRawBufferPointer(rebasing: bytes[written...]), to: descriptor)
  } catch {
    problem = error
  }
  if close(descriptor) != 0, problem == nil { problem = .last }
  return problem
}

func writingFailure(_ path: String, _ problem: SystemError) -> Failure {
  guard problem.isDiskFull else { return Failure(.unwritable, "\(path): cannot be written: \(problem)") }
  return Failure(
    .unwritable, "\(path): cannot be written: the disk is full or the quota used up (\(problem))",
    remedy: "make room or name another folder, then run the same line again")
}
