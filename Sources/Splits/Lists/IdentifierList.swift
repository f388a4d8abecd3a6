import Diagnosis
import FileAccess
import Texts

/// A text file with one track or artist id a line.
///
/// What follows the id after a blank, a tab or the data set's own `<SEP>` is left out, empty lines too, so that
/// the published files (`artists_train.txt`, `unique_tracks.txt`) can be given as they are.
package struct IdentifierList {
  package enum Kind: String {
    case track, artist

    package var example: String { self == .track ? "TRAAABD128F429CF47" : "ARD7TVE1187B99BFB1" }

    package func isWellFormed(_ id: String) -> Bool {
      switch self {
      case .track: TrackIdentifier.isWellFormed(id)
      // Not always letters and digits in the same places.
      case .artist: id.hasPrefix("AR") && id.utf8.count > 2 && id.utf8.allSatisfy(\.isLetterOrDigit)
      }
    }
  }

  let path: String
  /// In the order of the file, each once.
  let ids: [String]

  private static let largestFile = 256 << 20

  /// - Throws: `missingInput` where the file cannot be read, `badData` where it is too large, empty or has a line
  ///   without an id.
  init(at path: String, of kind: Kind) throws {
    self.path = path
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: Self.largestFile)
    } catch {
      if case .system = error {
        throw Failure(.missingInput, "\(path): cannot read the list of \(kind)s: \(error)")
      }
      throw Failure(.badData, "\(path): the list of \(kind)s \(error)")
    }
    var ids: [String] = []
    var seen: Set<ExactText> = []
    let isMarked = bytes.starts(with: [0xEF, 0xBB, 0xBF])  // UTF-8's byte order mark
    let lines = bytes[(isMarked ? 3 : 0)...].split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      guard let id = Self.firstField(line) else { continue }
      guard kind.isWellFormed(id) else {
        throw Failure(
          .badData,
          "\(path): line \(number + 1): \"\(id.prefix(40))\" is no \(kind) id (they are like \(kind.example))")
      }
      if seen.insert(ExactText(id)).inserted { ids.append(id) }
    }
    guard !ids.isEmpty else {
      throw Failure(.badData, "\(path): the list of \(kind)s is empty, expected one id a line")
    }
    self.ids = ids
  }

  private static let separator = Array("<SEP>".utf8)

  private static func firstField(_ line: ArraySlice<UInt8>) -> String? {
    let start = line.drop(while: \.isBlank)
    var end = start.startIndex
    while end < start.endIndex, !start[end].isBlank, !start[end...].starts(with: separator) { end += 1 }
    return start.isEmpty ? nil : String(decoding: start[..<end], as: UTF8.self)
  }
}

extension UInt8 {
  fileprivate var isBlank: Bool { self == UInt8(ascii: " ") || (9...13).contains(self) }

  fileprivate var isLetterOrDigit: Bool {
    switch self {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
    default: false
    }
  }
}
