#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Who writes a file, as the file's temporary name says it: `.NAME.partial-HOST-PROCESS-RANDOM`.
///
/// So what a killed run leaves behind can be told from what another is writing at this moment.
public struct FileWriter: Sendable, Codable {
  private let name: String

  /// This process, writing one file more.
  public init() {
    let random = String(UInt32.random(in: 0...UInt32.max), radix: 36)
    name = "\(FileWriter.host)-\(getpid())-\(random)"
  }

  func temporaryPath(for path: String) -> String {
    "\(AtomicFile.folder(of: path))/.\(FileWriter.lastPart(of: path))\(FileWriter.mark)\(name)"
  }

  /// Removes what runs that were killed while writing have left in a folder: temporary files of processes of
  /// this machine that are gone, and any older than an hour.
  ///
  /// - Parameters:
  ///   - folder: looked at without those in it; one that cannot be listed counts as empty.
  ///   - target: the path of a file, where only what was to be that file is meant.
  /// - Returns: the names of the files removed.
  @discardableResult
  public static func removeAbandoned(in folder: String, of target: String? = nil) -> [String] {
    let prefix = "." + (target.map { lastPart(of: $0) + mark } ?? "")
    return ((try? FolderListing.allNames(in: folder)) ?? []).sorted().filter { name in
      name.hasPrefix(prefix) && isAbandoned(name, in: folder) && unlink(folder + "/" + name) == 0
    }
  }

  /// Removes all temporary files of a folder in which nobody else writes.
  public static func removeAllUnfinished(in folder: String) {
    for name in (try? FolderListing.allNames(in: folder)) ?? [] where name.hasPrefix(".") && name.contains(mark) {
      unlink(folder + "/" + name)
    }
  }

  private static let mark = ".partial-"

  /// The name of this machine.
  static let host: String = {
    var name = [CChar](repeating: 0, count: 256)
    guard gethostname(&name, name.count - 1) == 0 else { return "host" }
    return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }()

  private static func lastPart(of path: String) -> Substring {
    path.split(separator: "/").last ?? path[...]
  }

  private static func isAbandoned(_ name: String, in folder: String) -> Bool {
    guard let mark = name.ranges(of: mark).last else { return false }
    var parts = name[mark.upperBound...].split(separator: "-")
    // The MPI library locks a file that ranks write together by one called `FILE-JOB-PROCESS.lock`.
    if name.hasSuffix(".lock") { parts.removeLast(min(2, parts.count)) }
    guard parts.count >= 3, let process = pid_t(parts[parts.count - 2]) else { return false }
    let host = parts.dropLast(2).joined(separator: "-")
    if host == FileWriter.host, kill(process, 0) != 0, errno == ESRCH { return true }
    var information = stat()
    guard stat(folder + "/" + name, &information) == 0 else { return false }
    return time(nil) - information.st_mtim.tv_sec > 3600
  }
}
