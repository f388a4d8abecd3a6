import Diagnosis

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// What a command is about to write, looked at before it does any of its work.
///
/// A file gets its name by a rename, which takes the place of whatever has that name: of a song, of a checkpoint, of a
/// device. So a command claims each of its outputs here, and is refused where something stands that is not its own to
/// replace. Nothing is changed by that. Symbolic links are followed.
public struct OutputClaim: Sendable {
  /// What an output may take the place of.
  public struct Predecessor: Sendable {
    /// Whether it is replaced without a word.
    public enum Permission: Sendable {
      case given
      /// An option allows it, such as `--force`.
      case byOption(String, isGiven: Bool)
    }

    /// With its article: "a snapshot".
    let name: String
    let permission: Permission
    /// Tells whether the regular file at a path is one. What it throws ends the claim: a file that cannot be read now
    /// is not replaced.
    let isAt: @Sendable (_ path: String) throws -> Bool

    public init(_ name: String, _ permission: Permission, isAt: @escaping @Sendable (String) throws -> Bool) {
      self.name = name
      self.permission = permission
      self.isAt = isAt
    }
  }

  /// The files and folders that the command reads, as far as they are there.
  private let inputs: [(path: String, identity: FolderListing.Identity)]

  /// - Parameter inputs: the paths that the command reads from.
  public init(inputs: [String] = []) {
    self.inputs = inputs.compactMap { path in
      (try? Standing(at: path)).flatMap { standing in standing.map { (path, $0.identity) } }
    }
  }

  /// Claims the path of a file to write.
  /// - Throws: `usage` where something stands there that is not to be replaced, `missingInput` where it cannot be told
  ///   what stands there.
  public func file(_ path: String, replacing predecessor: Predecessor) throws {
    guard let standing = try standing(at: path) else { return }
    switch standing.kind {
    case .folder: throw Failure(.usage, "\(path): is a folder, expected the path of a file to write")
    case .other:
      throw Failure(
        .usage, "\(path): is a device, pipe or socket, which is not written over", remedy: "name another file")
    case .file: break
    }
    try refuseInput(path, standing)
    guard try predecessor.isAt(path) else {
      throw Failure(
        .usage, "\(path): a file is there that is not \(predecessor.name); it is left as it is",
        remedy: "name another file, or move that one away")
    }
    if case .byOption(let option, isGiven: false) = predecessor.permission {
      throw Failure(
        .usage, "\(path): \(predecessor.name) is there already",
        remedy: "add \(option) to replace it, or name another file"
      )
    }
  }

  /// Claims the path of a folder to write in: nothing may stand there but a folder that is not read from.
  /// - Throws: as `file`.
  public func folder(_ path: String) throws {
    guard let standing = try standing(at: path) else { return }
    guard standing.kind == .folder else {
      throw Failure(
        .usage, "\(path): is a file, expected the path of a folder to write in", remedy: "name another folder")
    }
    try refuseInput(path, standing)
  }

  private func refuseInput(_ path: String, _ standing: Standing) throws {
    guard let input = inputs.first(where: { $0.identity == standing.identity }) else { return }
    let same = input.path == path ? "is read, so it" : "is the same as \(input.path), which is read, so it"
    throw Failure(.usage, "\(path): \(same) cannot be written", remedy: "name another path to write to")
  }

  private func standing(at path: String) throws -> Standing? {
    do {
      return try Standing(at: path)
    } catch {
      if error.isMissing {
        throw Failure(.usage, "\(path): is a symbolic link that leads nowhere", remedy: "name another path")
      }
      throw Failure(.missingInput, "\(path): cannot be looked at before it is written: \(error)")
    }
  }
}

/// What stands at a path, behind any symbolic links.
private struct Standing {
  let kind: PathKind
  let identity: FolderListing.Identity

  /// Nil where there is nothing. A link that leads to nothing is something: writing would take its place.
  init?(at path: String) throws(SystemError) {
    var status = stat()
    if stat(path, &status) != 0 {
      let problem = SystemError.last
      guard problem.isMissing, lstat(path, &status) != 0 else { throw problem }
      return nil
    }
    kind = try PathKind(of: path)
    identity = FolderListing.Identity(device: UInt64(status.st_dev), inode: UInt64(status.st_ino))
  }
}
