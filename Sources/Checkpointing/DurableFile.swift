import Diagnosis
import Foundation

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
      let code = errno
      throw code == ENOENT
        ? Failure(.missingInput, "\(path): cannot be written, its folder \(folder(of: path)) does not exist")
        : failure(path, "making the file", code)
    }
    do {
      try write(bytes, to: descriptor, path)
      guard fsync(descriptor) == 0 else { throw failure(path, "flushing to the disk", errno) }
    } catch {
      close(descriptor)
      unlink(temporary)
      throw error
    }
    guard close(descriptor) == 0, rename(temporary, path) == 0 else {
      let code = errno
      unlink(temporary)
      throw failure(path, "putting the file in place", code)
    }
    try flushFolder(of: path)
  }

  /// Removes what runs that were killed while writing have left in a folder: temporary files of processes of
  /// this machine that are gone, and any older than an hour.
  ///
  /// - Returns: the names of the files removed.
  @discardableResult
  public static func removeStaleTemporaries(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.sorted().filter { name in
      isStale(name, in: folder) && unlink(folder + "/" + name) == 0
    }
  }

  /// The file's size in bytes.
  static func size(of path: String) throws -> Int {
    var information = stat()
    guard stat(path, &information) == 0 else { throw failure(path, "measuring the file", errno) }
    return Int(information.st_size)
  }

  // MARK: Temporary names: .NAME.partial-HOST-PROCESS-RANDOM

  private static let mark = ".partial-"

  private static func temporaryPath(for path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    return "\(folder(of: path))/.\(name)\(mark)\(hostName)-\(getpid())-\(random)"
  }

  private static func isStale(_ name: String, in folder: String) -> Bool {
    guard name.hasPrefix("."), let mark = name.range(of: mark, options: .backwards) else { return false }
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

  // MARK: The steps

  private static func write(_ bytes: [UInt8], to descriptor: Int32, _ path: String) throws {
    try bytes.withUnsafeBytes { buffer in
      var written = 0
      while written < buffer.count {
        let count = Glibc.write(descriptor, buffer.baseAddress! + written, buffer.count - written)
        if count > 0 {
          written += count
        } else if count == 0 || errno != EINTR {
          throw failure(path, "writing", count == 0 ? EIO : errno)
        }
      }
    }
  }

  private static func flushFolder(of path: String) throws {
    let descriptor = open(folder(of: path), O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw failure(path, "opening its folder", errno) }
    defer { close(descriptor) }
    // Some network file systems cannot flush folders; they say EINVAL and keep names safe by themselves.
    guard fsync(descriptor) == 0 || errno == EINVAL else { throw failure(path, "flushing its folder", errno) }
  }

  private static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  private static func failure(_ path: String, _ action: String, _ code: Int32) -> Failure {
    let reason = String(cString: strerror(code))
    guard code == ENOSPC || code == EDQUOT else { return Failure(.fault, "\(path): \(action) failed: \(reason)") }
    return Failure(
      .fault, "\(path): \(action) failed: the disk is full or the quota used up (\(reason))",
      remedy: "make room, then run the same line again")
  }
}
