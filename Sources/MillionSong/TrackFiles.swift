import Diagnosis
import FileAccess
import MessagePassing

/// Finds the track files that `--msd` names: those of a tree, one file, or those of a list.
public enum TrackFiles {
  static let suffix = ".h5"
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
      files = try FileTree.discover(
        listed: try communicator.agree { try TrackFileList(at: source) }, suffix: suffix,
        communicator: communicator)
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

/// A text file that names track files and folders of them, one a line; relative paths start from the list's folder.
///
/// Empty lines, and lines that begin with `#`, are left out, as are blanks around a path.
struct TrackFileList {
  let path: String
  /// The list's folder; empty for the current one.
  let folder: String
  /// Paths from the list's folder, or from the root.
  let entries: [String]

  /// A million paths of 400 bytes.
  private static let largestList = 400 << 20

  /// - Throws: `missingInput` where it cannot be read, `badData` where it is no text or names nothing.
  init(at path: String) throws {
    self.path = path
    folder = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? ""
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: TrackFileList.largestList)
    } catch {
      if case .system = error {
        throw Failure(.missingInput, "\(path): cannot read the list of track files: \(error)")
      }
      throw Failure(.badData, "\(path): the list of track files \(error)")
    }
    var entries: [String] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    {
      guard let text = String(validating: line, as: UTF8.self), !line.contains(0) else {
        throw Failure(
          .badData,
          "\(path): line \(number + 1) is not UTF-8 text: expected a folder, an HDF5 file or a list of track files"
        )
      }
      let blanks: Set<Character> = [" ", "\t", "\r", "\r\n"]
      let entry = text.drop { blanks.contains($0) }.trimmingSuffix { blanks.contains($0) }
      if !entry.isEmpty, entry.first != "#" { entries.append(TrackFileList.tidy(entry)) }
    }
    guard !entries.isEmpty else {
      throw Failure(.badData, "\(path): a list that names no track file: expected a path on each line")
    }
    self.entries = entries
  }

  /// Without `./`, doubled and trailing slashes, so that one file has one path.
  private static func tidy(_ entry: Substring) -> String {
    let steps = entry.split(separator: "/").filter { $0 != "." }.joined(separator: "/")
    return entry.first == "/" ? "/" + steps : steps.isEmpty ? "." : steps
  }
}

extension Substring {
  fileprivate func trimmingSuffix(_ isBlank: (Character) -> Bool) -> Substring {
    var text = self
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }
}
