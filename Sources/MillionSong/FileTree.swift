import Diagnosis
import FileAccess
import MessagePassing
import Sampling

// check-layers: raw memory, because the communicator gathers bytes where they lie.

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
  /// A root that is itself such a file is a tree of one file.
  /// - Parameter purpose: what the tree is, for messages: "track tree".
  /// - Throws: `missingInput` where a rank does not see the root, `badData` where it is neither folder nor file of
  ///   this kind.
  public static func discover(
    root: String, suffix: String, purpose: String, communicator: any Communicator
  ) throws -> FileTree {
    let root = trimmed(root)
    let kind = try communicator.agree { try kindOfRoot(root, suffix: suffix, purpose: purpose) }
    guard kind == .folder else { return FileTree(file: root) }
    var search = Search(root: root, suffix: suffix)
    try search.goDown(from: [""], communicator)
    return search.takeTree()
  }

  /// A tree of one file, whatever its name.
  init(file: String) {
    let slash = file.lastIndex(of: "/")
    root = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? ""
    var paths = PathCollector()
    paths.append(String(slash.map { file[file.index(after: $0)...] } ?? file[...]))
    self.paths = paths.takeSorted()
    unlisted = []
  }

  fileprivate init(root: String, paths: PathList, unlisted: [SkippedFile], foldersListedHere: Int) {
    self.root = root
    self.paths = paths
    self.unlisted = unlisted
    self.foldersListedHere = foldersListedHere
  }

  /// Finds the files that a list names, itself or by their folders; a file that is named twice counts once.
  /// Collective.
  ///
  /// What is named and is no folder counts as a file, also where there is nothing: its reading tells.
  static func discover(
    listed list: TrackFileList, suffix: String, communicator: any Communicator
  ) throws -> FileTree {
    var search = Search(root: list.folder, suffix: suffix)
    // Names tell files from folders without a look at the disk; where they do not, each rank looks at its share.
    let unclear = list.entries.filter { !$0.hasSuffix(suffix) }
    let own = share(of: unclear.indices, rank: communicator.rank, size: communicator.size)
    let kinds = own.map { (try? PathKind(of: joined(list.folder, unclear[$0]))) == .folder ? 1 : 0 }
    let isFolder = try communicator.allgather(kinds).flatMap { $0 }
    for entry in list.entries where entry.hasSuffix(suffix) { search.paths.append(entry) }
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
private func joined(_ root: String, _ path: String) -> String {
  if path.isEmpty { return root }
  if root.isEmpty || path.hasPrefix("/") { return path }
  return root == "/" ? "/" + path : "\(root)/\(path)"
}

/// What the ranks have found so far; every rank holds the same.
private struct Search {
  let root: String
  private let suffix: String
  var paths: PathCollector
  var unlisted: [SkippedFile] = []
  private(set) var foldersListedHere = 0
  private var seen: Set<FolderListing.Identity> = []

  /// Folders of a level whose files are exchanged at once.
  private static let foldersOfMessage = 2_048

  init(root: String, suffix: String) {
    self.root = root
    self.suffix = suffix
    paths = PathCollector(suffix: suffix)
  }

  /// All that was found; the paths are then no longer here.
  mutating func takeTree() -> FileTree {
    FileTree(root: root, paths: paths.takeSorted(), unlisted: unlisted, foldersListedHere: foldersListedHere)
  }

  /// Lists these folders and all below them. Collective.
  mutating func goDown(from folders: [String], _ communicator: any Communicator) throws {
    var level = folders
    while !level.isEmpty {
      var next: [String] = []
      for start in stride(from: 0, to: level.count, by: Search.foldersOfMessage) {
        next += try list(level[start...].prefix(Search.foldersOfMessage), communicator)
      }
      level = next
    }
  }

  /// Lists some folders; returns those below them.
  private mutating func list(_ folders: ArraySlice<String>, _ communicator: any Communicator) throws -> [String] {
    var message = PackedWriter()
    for index in folders.indices where index % communicator.size == communicator.rank {
      FolderReport(listing: folders[index], below: root, suffix: suffix).write(to: &message)
      foldersListedHere += 1
    }
    var readers = try communicator.allgather(message)
    return try folders.indices.flatMap { index in
      take(try FolderReport(from: &readers[index % communicator.size]), of: folders[index])
    }
  }

  /// Adds what a folder holds; returns the folders below it.
  private mutating func take(_ report: FolderReport, of folder: String) -> [String] {
    let prefix = folder.isEmpty ? "" : folder + "/"
    switch report {
    case .failed(let cause):
      unlisted.append(SkippedFile(path: joined(root, folder), cause: "cannot be listed: \(cause)"))
      return []
    case .listed(let listing):
      guard seen.insert(listing.identity).inserted else { return [] }
      for name in listing.files { paths.append(name, in: folder) }
      for name in listing.unnameable {
        unlisted.append(SkippedFile(path: joined(root, prefix + name), cause: "its name is not UTF-8"))
      }
      return listing.folders.map { prefix + $0 }
    }
  }
}

/// What one rank tells the others about one folder.
private enum FolderReport {
  case listed(FolderListing)
  case failed(String)

  init(listing folder: String, below root: String, suffix: String) {
    do {
      var listing = try FolderListing(of: joined(root, folder))
      listing.files.removeAll { !$0.hasSuffix(suffix) }
      listing.unnameable.removeAll { !$0.hasSuffix(suffix) }
      // The order decides which of two paths to one folder counts; it must not be the file system's.
      listing.folders.sort { ExactText($0) < ExactText($1) }
      self = .listed(listing)
    } catch {
      self = .failed(error.description)
    }
  }

  func write(to message: inout PackedWriter) {
    switch self {
    case .failed(let cause):
      message.write(0)
      message.write(cause)
    case .listed(let listing):
      message.write(1)
      message.write(listing.identity.device)
      message.write(listing.identity.inode)
      message.write(listing.folders)
      message.write(listing.files)
      message.write(listing.unnameable)
    }
  }

  init(from message: inout PackedReader) throws {
    guard try message.readInt() == 1 else {
      self = .failed(try message.readText())
      return
    }
    let identity = FolderListing.Identity(device: try message.readWord(), inode: try message.readWord())
    self = .listed(
      FolderListing(
        identity: identity, folders: try message.readTexts(), files: try message.readTexts(),
        unnameable: try message.readTexts()))
  }
}
