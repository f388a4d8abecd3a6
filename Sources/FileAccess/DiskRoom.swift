import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

extension AtomicFile {
  /// Makes sure that so many more bytes find room on the disk, so that a full disk is noticed here, by one rank,
  /// and not in the middle of a write that all ranks take part in.
  /// - Throws: `unwritable` where there is not enough room.
  public func checkRoom(for bytes: Int) throws {
    guard let free = freeBytes(onDiskOf: AtomicFile.folder(of: path)), free < bytes else { return }
    throw Failure(
      .unwritable, "\(path): the disk is full: up to \(bytes) more bytes are to be written, \(free) are free")
  }
}

/// Bytes that this user may still write to the disk that holds a folder; nil where the system does not say.
public func freeBytes(onDiskOf folder: String) -> Int? {
  var status = statvfs()
  guard statvfs(folder, &status) == 0 else { return nil }
  return Int(status.f_bavail) * Int(status.f_frsize)
}
