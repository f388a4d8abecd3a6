import Diagnosis
import FileAccess

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
