import FileAccess
import MessagePassing
import Texts

/// What the ranks have found so far; every rank holds the same.
struct FileTreeSearch {
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
      for start in stride(from: 0, to: level.count, by: FileTreeSearch.foldersOfMessage) {
        next += try list(level[start...].prefix(FileTreeSearch.foldersOfMessage), communicator)
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
