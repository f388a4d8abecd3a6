import Diagnosis
import FileAccess
import FileTrees
import MessagePassing

/// Finds the track files that `--msd` names: those of a tree, one file, or those of a list.
public enum TrackFileSearch {
  package static let suffix = ".h5"
  /// The eight bytes that every HDF5 file starts with.
  private static let signature: [UInt8] = [0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]

  /// What a path is to the program.
  public enum Form: Sendable {
    case tree
    /// One file, of a song or of many.
    case file
    case list
  }

  /// Finds all files, in the order of their names. Collective.
  ///
  ///     let files = try TrackFileSearch.discover("songs.txt", communicator: communicator)
  ///     let paths = (0..<files.count).map(files.path)
  ///
  /// - Throws: `missingInput` where a rank does not see the path, `badData` where it is neither folder, HDF5 file nor
  ///   list, or where there is no file.
  public static func discover(_ source: String, communicator: any Communicator) throws -> FileTree {
    let files: FileTree
    switch try communicator.agree({ try form(of: source) }) {
    case .tree:
      files = try FileTree.discover(
        root: source, suffix: suffix, purpose: "track tree", communicator: communicator)
    case .file: files = FileTree(file: source)
    case .list:
      let list = try communicator.agree { try TrackFileList(at: source) }
      files = try FileTree.discover(
        listed: list.entries, from: list.folder, suffix: suffix, communicator: communicator)
    }
    guard files.count > 0 else {
      throw Failure(
        .badData, "\(source): an empty track tree: found no \(suffix) file in it",
        remedy: "it should hold files like A/A/A/TRAAABD128F429CF47.h5"
      ).knownToAllRanks
    }
    return files
  }

  /// - Throws: `missingInput` where there is nothing, `badData` for a device or pipe.
  public static func form(of path: String) throws -> Form {
    let kind: PathKind
    do {
      kind = try PathKind(of: path)
    } catch {
      throw Failure(.missingInput, "\(path): no such track tree: \(error)")
    }
    switch kind {
    case .folder: return .tree
    case .file:
      let isHDF5 = (try? readStart(of: path, count: signature.count)) == signature
      return isHDF5 || path.hasSuffix(suffix) ? .file : .list
    case .other:
      throw Failure(
        .badData, "\(path): expected a folder of track files, one such file, or a list of them; found neither")
    }
  }
}
