import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

// check-layers: raw memory, because write(2) takes the bytes' address.

/// Files that appear whole or not at all, also when the power fails.
///
/// The bytes go to a temporary file in the same folder, which is flushed to the disk and renamed; then the
/// folder itself is flushed, so that the name is safe too (POSIX rename(2) and fsync(2)).
public enum DurableFile {
  /// Puts `bytes` in place of the file at `path`, or makes it.
  ///
  /// - Throws: `.fault` where the disk is full or writing fails, `.missingInput` where the folder is missing;
  ///   the temporary file is removed and the old file left as it was.
  public static func replace(_ path: String, with bytes: [UInt8]) throws {
    let temporary = temporaryPath(for: path)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else {
      let problem = SystemError.last
      throw problem.isMissing
        ? Failure(
          .missingInput, "\(path): cannot be written, its folder \(AtomicFile.folder(of: path)) does not exist")
        : writingFailure(path, problem)
    }
    var problem = writeAll(bytes, to: descriptor)
    if problem == nil, fsync(descriptor) != 0 { problem = .last }
    if close(descriptor) != 0, problem == nil { problem = .last }
    if problem == nil, rename(temporary, path) != 0 { problem = .last }
    if let problem {
      unlink(temporary)
      throw writingFailure(path, problem)
    }
    try flushFolder(of: path)
  }

  /// Removes what runs that were killed while writing have left in a folder: temporary files of processes of
  /// this machine that are gone, and any older than an hour.
  ///
  /// - Returns: the names of the files removed.
  @discardableResult
  public static func removeStaleTemporaries(in folder: String) -> [String] {
    entries(of: folder).sorted().filter { name in
      isStale(name, in: folder) && unlink(folder + "/" + name) == 0
    }
  }

  // MARK: Temporary names: .NAME.partial-HOST-PROCESS-RANDOM

  private static let mark = ".partial-"

  /// The names in a folder, hidden ones too; none where it cannot be read.
  private static func entries(of folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      withUnsafeBytes(of: entry.pointee.d_name) { bytes in
        names.append(String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self))
      }
    }
    return names
  }

  private static func temporaryPath(for path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    return "\(AtomicFile.folder(of: path))/.\(name)\(mark)\(hostName)-\(getpid())-\(random)"
  }

  private static func isStale(_ name: String, in folder: String) -> Bool {
    guard name.hasPrefix("."), let mark = name.ranges(of: mark).last else { return false }
    let parts = name[mark.upperBound...].split(separator: "-")
    guard parts.count >= 3, let process = pid_t(parts[parts.count - 2]) else { return false }
    let host = parts.dropLast(2).joined(separator: "-")
    if host == hostName, kill(process, 0) != 0, errno == ESRCH { return true }
    var information = stat()
    guard stat(folder + "/" + name, &information) == 0 else { return false }
    return time(nil) - information.st_mtim.tv_sec > 3600
  }

  private static let hostName: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "host" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }()

  private static func flushFolder(of path: String) throws {
    let descriptor = open(AtomicFile.folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw writingFailure(path, .last) }
    defer { close(descriptor) }
    // Some network file systems cannot flush folders; they say EINVAL and keep names safe by themselves.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw writingFailure(path, .last) }
  }
}
