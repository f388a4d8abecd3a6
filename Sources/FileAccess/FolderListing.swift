#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The entries of one folder, hidden ones (a leading dot) left out, in no stated order.
public struct FolderListing: Sendable, Equatable {
  /// The folder itself, whichever path led to it: a folder reached twice over symbolic links has one identity.
  public struct Identity: Hashable, Sendable {
    public var device: UInt64
    public var inode: UInt64
    public init(device: UInt64, inode: UInt64) {
      self.device = device
      self.inode = inode
    }
  }

  public var identity: Identity
  /// Names of folders, and of symbolic links to folders.
  public var folders: [String] = []
  /// Names of everything else: files, links to files, links to nothing.
  public var files: [String] = []
  /// Names that are not UTF-8, with the bytes in question replaced.
  public var unnameable: [String] = []

  /// A listing that another process made.
  public init(identity: Identity, folders: [String], files: [String], unnameable: [String]) {
    self.identity = identity
    self.folders = folders
    self.files = files
    self.unnameable = unnameable
  }

  /// Lists a folder. The file system is asked about an entry of its own only where the folder does not tell its
  /// type, and for symbolic links: one call a folder on a network disk, not one a file.
  public init(of path: String) throws(SystemError) {
    guard let folder = opendir(path) else { throw .last }
    defer { closedir(folder) }
    var status = stat()
    guard fstat(dirfd(folder), &status) == 0 else { throw .last }
    identity = Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
    while true {
      errno = 0
      guard let entry = readdir(folder) else {
        if errno != 0 { throw .last }
        return
      }
      let name = Self.name(of: entry)
      if name[0] == CChar(UInt8(ascii: ".")) { continue }
      guard let text = String(validatingCString: name) else {
        unnameable.append(String(cString: name))
        continue
      }
      switch Int32(entry.pointee.d_type) {
      case Int32(DT_DIR): folders.append(text)
      case Int32(DT_LNK), Int32(DT_UNKNOWN):
        let isFolder = fstatat(dirfd(folder), name, &status, 0) == 0 && status.st_mode & S_IFMT == S_IFDIR
        if isFolder { folders.append(text) } else { files.append(text) }
      default: files.append(text)
      }
    }
  }
}

extension FolderListing {
  /// The names of all that is in a folder, hidden entries too, in no stated order.
  static func allNames(in path: String) throws(SystemError) -> [String] {
    guard let folder = opendir(path) else { throw .last }
    defer { closedir(folder) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(folder) else {
        if errno != 0 { throw .last }
        return names
      }
      names.append(String(cString: name(of: entry)))
    }
  }

  /// Where an entry's name is. The array that is declared there is longer than most entries, so it must not be copied.
  private static func name(of entry: UnsafePointer<dirent>) -> UnsafePointer<CChar> {
    let offset = MemoryLayout<dirent>.offset(of: \dirent.d_name)!
    return (UnsafeRawPointer(entry) + offset).assumingMemoryBound(to: CChar.self)
  }
}

/// What stands at a path.
public enum PathKind: Sendable, Equatable {
  case folder
  case file
  /// A device, a pipe, a socket.
  case other

  /// Follows symbolic links.
  public init(of path: String) throws(SystemError) {
    var status = stat()
    guard stat(path, &status) == 0 else { throw .last }
    switch status.st_mode & S_IFMT {
    case S_IFDIR: self = .folder
    case S_IFREG: self = .file
    default: self = .other
    }
  }
}
