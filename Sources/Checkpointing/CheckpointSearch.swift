import Diagnosis
import FileAccess
import Isolation

/// The newest whole checkpoint of a folder, and the damaged ones that were passed over.
public struct CheckpointSearch: Sendable {
  public struct Skipped: Sendable, Equatable {
    public let path: String
    /// Why it was skipped.
    public let failure: Failure
  }

  /// The checkpoint with the highest step of those that are whole; nil where there is none.
  public let newest: Checkpoint?
  /// Files that are proven to be damaged, or to be no checkpoints, in the order they were tried.
  public let skipped: [Skipped]
}

/// How a search gets at a folder's files; tests let it meet a disk or a process that fails.
package struct CheckpointAccess {
  /// The names of files in a folder.
  package var names: (_ folder: String) throws(SystemError) -> [String]
  package var head: (_ path: String) throws -> (version: Int64, step: Int)
  package var read: (_ path: String) throws -> Checkpoint
  /// Reads all bytes of a file, whatever they are.
  package var readThrough: (_ path: String) throws(WholeFileError) -> Void

  /// The file system, each file tried by another process first.
  package static var ofFileSystem: CheckpointAccess {
    let trials = TrialProcess()
    return CheckpointAccess(
      names: { folder throws(SystemError) in try FolderListing(of: folder).files },
      head: { try Checkpoint.head(ofFile: $0, trials) }, read: { try Checkpoint.read($0, trials) },
      readThrough: { path throws(WholeFileError) in try FileAccess.readThrough(path) })
  }
}

extension Checkpoint {
  /// Looks through a folder's `.h5` files, the highest `step` first, until one is whole.
  ///
  /// A folder that does not exist has no checkpoints. Only what is proven to be damaged is passed over. What cannot be
  /// read now (a folder, a file, for want of a permission, of the disk, of memory) may be whole and may be the newest:
  /// whoever went on from an older one, or from none, would write over it. So that is an error, as is a file written
  /// by a newer program.
  /// - Throws: `missingInput` for what cannot be read, `fault` where the process that tries files is killed, `badData`
  ///   for a newer program's file.
  public static func newestGood(in folder: String) throws -> CheckpointSearch {
    try newestGood(in: folder, .ofFileSystem)
  }

  package static func newestGood(in folder: String, _ access: CheckpointAccess) throws -> CheckpointSearch {
    let paths = try names(in: folder, access).map { folder + "/" + $0 }
    var skipped: [CheckpointSearch.Skipped] = []
    func passingOverDamaged<Value>(_ path: String, _ body: (String) throws -> Value) throws -> Value? {
      do {
        return try body(path)
      } catch let failure as Failure where failure.kind == .badData {
        try checkIsReadable(path, access)
        skipped.append(.init(path: path, failure: failure))
        return nil
      }
    }

    var candidates: [(step: Int, path: String)] = []
    for path in paths {
      guard let head = try passingOverDamaged(path, access.head) else { continue }
      guard head.version <= Int64(formatVersion) else { throw newerFailure(path, head.version) }
      candidates.append((head.step, path))
    }
    // Of two with the same step the later name wins: `epoch-0002.h5` before `best.h5`.
    for candidate in candidates.sorted(by: { ($0.step, $0.path) > ($1.step, $1.path) }) {
      if let checkpoint = try passingOverDamaged(candidate.path, access.read) {
        return CheckpointSearch(newest: checkpoint, skipped: skipped)
      }
    }
    return CheckpointSearch(newest: nil, skipped: skipped)
  }

  /// The names of a folder's checkpoints, whole or not, in their order; none where there is no folder.
  /// - Throws: `missingInput` where the folder cannot be listed.
  public static func names(in folder: String) throws -> [String] { try names(in: folder, .ofFileSystem) }

  /// The names of the folders in a folder that are named like checkpoints, in their order.
  /// - Throws: `missingInput` where the folder cannot be listed.
  public static func folderNames(in folder: String) throws -> [String] {
    try named(in: folder) { folder throws(SystemError) in try FolderListing(of: folder).folders }
  }

  private static func names(in folder: String, _ access: CheckpointAccess) throws -> [String] {
    try named(in: folder, access.names)
  }

  /// Of names in a folder those that a checkpoint can have.
  private static func named(
    in folder: String, _ list: (String) throws(SystemError) -> [String]
  ) throws -> [String] {
    do {
      return try list(folder).filter { $0.hasSuffix(".h5") && !$0.hasPrefix(".") }.sorted()
    } catch let error where error.isMissing {
      return []
    } catch {
      throw Failure(
        .missingInput, "\(folder): the checkpoints in it cannot be listed: \(error)",
        remedy: "nothing was changed; make it readable, then run the same line again")
    }
  }

  /// The library's errors do not tell a damaged file from a disk that does not give its bytes. So the bytes are read
  /// once more, without the library.
  private static func checkIsReadable(_ path: String, _ access: CheckpointAccess) throws {
    do {
      try access.readThrough(path)
    } catch {
      // A folder or a pipe is no checkpoint.
      guard case .system(let problem) = error else { return }
      throw Failure(
        .missingInput, "\(path): cannot be read: \(problem)",
        remedy: "nothing was changed; it may be whole: make it readable, then run the same line again")
    }
  }
}
