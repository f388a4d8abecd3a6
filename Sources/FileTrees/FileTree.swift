import Diagnosis
import FileAccess
import MessagePassing
import Sampling

/// The files of one kind below a folder, found by all ranks together and known to each.
///
/// The ranks go down the tree level by level; each lists its share of a level's folders and tells the others what
/// it found, so that a folder is listed once in the whole job. Symbolic links are followed; a folder that several
/// paths lead to counts once, by the first of them, so links cannot make a loop.
public struct FileTree: Sendable {
  /// Empty for the current folder.
  public let root: String
  /// Paths of files relative to the root (or from `/`, where a list names them so), in the order of their names (for
  /// tracks: of track ids).
  public let paths: PathList
  /// Folders that could not be listed and files that cannot be named, with the cause.
  public let unlisted: [SkippedFile]
  /// Folders that this rank listed; over all ranks, each folder of the tree once.
  public private(set) var foldersListedHere = 0

  public var count: Int { paths.count }

  /// The whole path of a file.
  public func path(_ index: Int) -> String { joined(root, paths[index]) }

  /// Finds all files whose names end in `suffix`; hidden ones (a leading dot) are left out. Collective.
  ///
  ///     let tree = try FileTree.discover(root: "MSD/data", suffix: ".h5", purpose: "track tree", communicator: world)
  ///     let first = tree.path(0)
  ///
  /// A root that is itself such a file is a tree of one file.
  /// - Parameters:
  ///   - root: a folder, or a file of this kind.
  ///   - suffix: of the names, with its dot: ".h5".
  ///   - purpose: what the tree is, for messages: "track tree".
  ///   - communicator: of all ranks that take part.
  /// - Throws: `missingInput` where a rank does not see the root, `badData` where it is neither folder nor file of
  ///   this kind.
  public static func discover(
    root: String, suffix: String, purpose: String, communicator: any Communicator
  ) throws -> FileTree {
    let root = trimmed(root)
    let kind = try communicator.agree { try kindOfRoot(root, suffix: suffix, purpose: purpose) }
    guard kind == .folder else { return FileTree(file: root) }
    var search = FileTreeSearch(root: root, suffix: suffix)
    try search.goDown(from: [""], communicator)
    return search.takeTree()
  }

  /// A tree of one file, whatever its name.
  package init(file: String) {
    let slash = file.lastIndex(of: "/")
    root = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? ""
    var paths = PathCollector()
    paths.append(String(slash.map { file[file.index(after: $0)...] } ?? file[...]))
    self.paths = paths.takeSorted()
    unlisted = []
  }

  init(root: String, paths: PathList, unlisted: [SkippedFile], foldersListedHere: Int) {
    self.root = root
    self.paths = paths
    self.unlisted = unlisted
    self.foldersListedHere = foldersListedHere
  }

  /// Finds the files that entries of a list name, itself or by their folders; a file that is named twice counts once.
  /// Collective.
  ///
  /// What is named and is no folder counts as a file, also where there is nothing: its reading tells.
  /// - Parameter folder: where relative entries start from; empty for the current folder.
  package static func discover(
    listed entries: [String], from folder: String, suffix: String, communicator: any Communicator
  ) throws -> FileTree {
    var search = FileTreeSearch(root: folder, suffix: suffix)
    // Names tell files from folders without a look at the disk; where they do not, each rank looks at its share.
    let unclear = entries.filter { !$0.hasSuffix(suffix) }
    let own = share(of: unclear.indices, rank: communicator.rank, size: communicator.size)
    let kinds = own.map { (try? PathKind(of: joined(folder, unclear[$0]))) == .folder ? 1 : 0 }
    let isFolder = try communicator.allgather(kinds).flatMap { $0 }
    for entry in entries where entry.hasSuffix(suffix) { search.paths.append(entry) }
    for (entry, isFolder) in zip(unclear, isFolder) where isFolder == 0 { search.paths.append(entry) }
    try search.goDown(from: zip(unclear, isFolder).filter { $0.1 == 1 }.map(\.0), communicator)
    return search.takeTree()
  }

  private static func trimmed(_ root: String) -> String {
    var root = root[...]
    while root.count > 1, root.last == "/" { root.removeLast() }
    return String(root)
  }

  private static func kindOfRoot(_ root: String, suffix: String, purpose: String) throws -> PathKind {
    let kind: PathKind
    do {
      kind = try PathKind(of: root)
    } catch {
      throw Failure(.missingInput, "\(root): no such \(purpose): \(error)")
    }
    guard kind == .folder || (kind == .file && root.hasSuffix(suffix)) else {
      throw Failure(
        .badData, "\(root): expected a \(purpose), that is a folder with files …\(suffix), found a file")
    }
    return kind
  }
}

/// A path below a folder; one from `/` stands by itself.
func joined(_ root: String, _ path: String) -> String {
  if path.isEmpty { return root }
  if root.isEmpty || path.hasPrefix("/") { return path }
  return root == "/" ? "/" + path : "\(root)/\(path)"
}
