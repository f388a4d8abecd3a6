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
  /// A folder, and what this process has made of it and in it, the outer ones first.
  private struct MadeFolders {
    var root = ""
    var paths: [String] = []

    /// Whether nothing but what was made stands in the root.
    var areAlone: Bool {
      guard let names = try? FolderListing.allNames(in: root) else { return false }
      return names.allSatisfy { [".", ".."].contains($0) || paths.contains(root + "/" + $0) }
    }
  }
  private static let folders = Mutex(MadeFolders())

  static func add(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func remove(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Folders that are of no use to anybody as long as nothing stands in them, nor beside them in `root`.
  public static func add(folders made: [String], in root: String) {
    folders.withLock { $0 = MadeFolders(root: root, paths: $0.paths + made) }
  }

  /// From now on they are of use, whatever happens.
  public static func keepFolders() { folders.withLock { $0.paths = [] } }

  /// Removes the folders in which nothing stands. Where something stands beside them they stay: they tell what it is of.
  public static func removeEmptyFolders() {
    folders.withLock { folders in
      if folders.areAlone { for folder in folders.paths.reversed() { rmdir(folder) } }
      folders.paths = []
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
