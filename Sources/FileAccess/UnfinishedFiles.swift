import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The files that this process has begun and that are of no use to anybody unless it finishes them: what a process that
/// ends in the middle of its work takes away.
public enum UnfinishedFiles {
  private static let paths = Mutex<Set<String>>([])
  /// Folders that this process has made, the outer ones first.
  private static let folders = Mutex<[String]>([])

  static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Folders that are of no use to anybody as long as nothing stands in them.
  public static func add(folders made: [String]) { folders.withLock { $0 += made } }

  /// From now on they are of use, whatever happens.
  public static func keepFolders() { folders.withLock { $0 = [] } }

  /// Removes the folders in which nothing stands.
  public static func removeEmptyFolders() {
    folders.withLock { folders in
      for folder in folders.reversed() { rmdir(folder) }
      folders = []
    }
  }

  /// Removes all of them, and what the MPI library has put beside them, such as `FILE-1-4711.lock`. The process must end
  /// then: whoever writes them still knows nothing of it.
  public static func deleteAll() {
    paths.withLock { paths in
      for path in paths {
        unlink(path)
        let folder = AtomicFile.folder(of: path)
        let name = path.split(separator: "/").last.map(String.init) ?? path
        for other in (try? FolderListing.allNames(in: folder)) ?? [] where other.hasPrefix(name + "-") {
          unlink(folder + "/" + other)
        }
      }
    }
    removeEmptyFolders()
  }
}
