import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A file that appears whole or not at all, also when the power fails.
///
/// It is written under a name of its own in the same folder, flushed to the disk and renamed; then the folder is
/// flushed, so that the name is safe too (POSIX rename(2) and fsync(2)). A file that has come to the path since this
/// value was made, within hours perhaps, is somebody else's and is not replaced.
public struct AtomicFile: Sendable {
  /// Where the file is to be.
  public let path: String
  /// Where it is written until then.
  public let temporaryPath: String
  /// What stood at the path when this value was made.
  private let predecessor: FolderListing.Identity?

  /// - Parameters:
  ///   - path: where the file is to be.
  ///   - writer: tells writers of the same path apart; ranks that write a file together have one.
  public init(_ path: String, writer: FileWriter = FileWriter()) {
    self.path = path
    temporaryPath = writer.temporaryPath(for: path)
    predecessor = FolderListing.Identity(ofEntry: path)
    UnfinishedFiles.add(temporaryPath)
  }

  /// Waits until the contents are on the disk, gives the file its name, waits until the folder is on the disk.
  public func commit() throws {
    do throws(SystemError) {
      try flush(temporaryPath, O_RDONLY)
    } catch {
      throw abandon(after: error)
    }
    try giveName()
  }

  /// Gives contents that are on the disk their name, waits until the folder is on the disk.
  fileprivate func giveName() throws {
    let present = FolderListing.Identity(ofEntry: path)
    guard present == nil || present == predecessor else {
      discard()
      throw Failure(
        .fault, "\(path): another file has come there meanwhile; it is left as it is", remedy: "name another path")
    }
    guard rename(temporaryPath, path) == 0 else {
      throw abandon(after: .last)
    }
    UnfinishedFiles.remove(temporaryPath)
    do throws(SystemError) {
      try flush(AtomicFile.folder(of: path), O_RDONLY | O_DIRECTORY)
    } catch {
      // Some network file systems cannot flush folders; they say EINVAL and keep names safe by themselves.
      if error.number != EINVAL { throw writingFailure(path, error) }
    }
  }

  /// What to throw where the file cannot get its name; what has been written is removed.
  private func abandon(after problem: SystemError) -> Failure {
    guard problem.isMissing, FolderListing.Identity(ofEntry: AtomicFile.folder(of: path)) != nil else {
      discard()
      return writingFailure(path, problem)
    }
    // A rank that is asked to stop takes away what all write together, and passes the request on: where it was that, it
    // ends this process within a moment, and there is nothing to complain of.
    sleep(2)
    discard()
    return Failure(
      .unwritable, "\(path): cannot be written: \(temporaryPath), where its bytes were, has been removed",
      remedy: "run the same line again")
  }

  /// Removes what has been written.
  public func discard() {
    unlink(temporaryPath)
    UnfinishedFiles.remove(temporaryPath)
  }

  /// The folder part of a path, "." where there is none.
  public static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }
}

extension FolderListing.Identity {
  /// Of what has a name in a folder, of a symbolic link its own; nil where there is nothing.
  fileprivate init?(ofEntry path: String) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    self.init(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }
}

private func flush(_ path: String, _ flags: Int32) throws(SystemError) {
  let descriptor = open(path, flags | O_CLOEXEC)
  guard descriptor >= 0 else { throw .last }
  defer { close(descriptor) }
  guard fsync(descriptor) == 0 else { throw .last }
}

/// Puts `bytes` in place of the file at `path`, or makes it; the file is at every moment the old one or the new.
///
/// - Throws: `.unwritable` where the disk is full or writing fails, `.missingInput` where the folder is missing; the old
///   file is left as it was.
public func replaceFile(_ path: String, with bytes: UnsafeRawBufferPointer) throws {
  let file = AtomicFile(path)
  let descriptor = open(file.temporaryPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else {
    let problem = SystemError.last
    guard problem.isMissing else { throw writingFailure(path, problem) }
    throw Failure(
      .missingInput, "\(path): cannot be written, its folder \(AtomicFile.folder(of: path)) does not exist")
  }
  if let problem = writeAllAndClose(bytes, descriptor, flushed: true) {
    file.discard()
    throw writingFailure(path, problem)
  }
  try file.commit()
}

/// Puts `bytes` in place of the file at `path`, likewise.
public func replaceFile(_ path: String, with bytes: [UInt8]) throws {
  try bytes.withUnsafeBytes { try replaceFile(path, with: $0) }
}

/// Puts a text in place of the file at `path`, likewise.
public func replaceFile(_ path: String, with text: String) throws { try replaceFile(path, with: Array(text.utf8)) }

/// Puts a file that is on the disk in place of the one at `path`, as a second name of it (a hard link): nothing is
/// written or flushed once more. Either name can be removed, or given to another file, without the other.
///
/// - Returns: false where the file system makes no such link; nothing is changed then.
/// - Throws: `.fault`; the old file is left as it was.
public func replaceFile(_ path: String, withLinkTo source: String) throws -> Bool {
  let file = AtomicFile(path)
  guard link(source, file.temporaryPath) == 0 else { return false }
  // Where both names are of this file already, the renaming does nothing, and leaves the temporary one.
  defer { file.discard() }
  try file.giveName()
  return true
}

/// Removes a file; none at that path is as good.
public func removeFile(_ path: String) { unlink(path) }
