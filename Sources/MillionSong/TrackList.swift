import Diagnosis
import FileAccess

/// A text file with one track id a line; empty lines and what follows a blank or tab are left out.
struct TrackList {
  let path: String
  let trackIDs: [String]

  static func readAll(_ paths: [String]) throws -> [TrackList] { try paths.map(TrackList.init(at:)) }

  init(at path: String) throws {
    self.path = path
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: 256 << 20)
    } catch {
      if case .system = error { throw Failure(.missingInput, "\(path): cannot read the list of tracks: \(error)") }
      throw Failure(.badData, "\(path): the list of tracks \(error)")
    }
    var ids: [String] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated()
    {
      let text = String(decoding: line, as: UTF8.self)
      guard let word = text.split(whereSeparator: \.isWhitespace).first else { continue }
      guard TrackIdentifier.isWellFormed(String(word)) else {
        throw Failure(
          .badData, "\(path): line \(number + 1): \"\(word.prefix(40))\" is no track id (like TRAAABD128F429CF47)")
      }
      ids.append(String(word))
    }
    guard !ids.isEmpty else { throw Failure(.badData, "\(path): the list of tracks is empty") }
    trackIDs = ids
  }
}
