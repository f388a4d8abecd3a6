import Diagnosis
import FileAccess
import Foundation

/// A form in which `predict` writes songs with their tags; docs/formats.md describes each.
public enum TagFormat: String, Sendable, CaseIterable {
  case jsonl, csv, hdf5

  /// As a file's ending says it.
  /// - Throws: `usage` for an ending that says nothing.
  public init(endingOf path: String) throws {
    switch path.split(separator: "/").last?.split(separator: ".").dropFirst().last?.lowercased() {
    case "jsonl", "ndjson": self = .jsonl
    case "csv": self = .csv
    case "h5", "hdf5": self = .hdf5
    default:
      throw Failure(
        .usage, "--out \(path): its ending says no format",
        remedy: "end it with .jsonl, .csv or .h5, or add --format")
    }
  }

  /// Whether a file is one of these, of any form: the only thing that such a file may take the place of.
  /// - Throws: `missingInput` where it cannot be read.
  static func isOne(at path: String) throws -> Bool {
    let start: [UInt8]
    do {
      start = try readStart(of: path, count: 1 << 20)
    } catch {
      throw Failure(.missingInput, "\(path): \(error)")
    }
    if start.isEmpty || start.starts(with: Array(TagTable.start.utf8)) { return true }
    if let line = start.split(separator: UInt8(ascii: "\n"), maxSplits: 1).first, line.first == UInt8(ascii: "{") {
      return (try? JSONDecoder().decode(Line.self, from: Data(line))) != nil
    }
    return try TagArchive.isOne(at: path)
  }

  private struct Line: Decodable {
    let file: String
    let tags: [[String: Value]]
    struct Value: Decodable { init(from decoder: any Decoder) throws {} }
  }

  /// Makes the writer of a file.
  func writer(_ path: String, _ contents: TagFileContents) throws -> any TagWriter {
    switch self {
    case .jsonl: try TagLines(path, contents)
    case .csv: try TagTable(path, contents)
    case .hdf5: try TagArchive(path, contents)
    }
  }
}

/// What all songs of a file share.
struct TagFileContents {
  let model: ModelTags
  let choice: TagChoice
  /// Values of an embedding; 0 where none are written.
  let embeddingWidth: Int
  let checkpoint: String
  let checkpointHash: String
  /// Of all songs together.
  let counts: TagCounts

  var tags: [String] { model.names }
}

/// What is known of the songs before the first of them is written.
struct TagCounts {
  var judged = 0
  var tooShort = 0
  var unreadable = 0
  /// The bytes of the longest text of each kind.
  var fileBytes = 1, trackIDBytes = 1, titleBytes = 1, artistBytes = 1, causeBytes = 1

  mutating func add(_ outcome: Prediction.Outcome) {
    func longest(_ text: String?, _ most: inout Int) { most = max(most, text?.utf8.count ?? 0) }
    switch outcome.problem?.kind {
    case nil: judged += 1
    case .tooShort: tooShort += 1
    case .unreadable, .missing: unreadable += 1
    }
    longest(outcome.path, &fileBytes)
    longest(outcome.trackID, &trackIDBytes)
    longest(outcome.title, &titleBytes)
    longest(outcome.artistName, &artistBytes)
    longest(outcome.problem?.cause, &causeBytes)
  }
}

/// Writes songs with their tags one after the other.
protocol TagWriter: AnyObject {
  /// - Parameter outcomes: in order; those of files that could not be read among them.
  func add(_ outcomes: [Prediction.Outcome]) throws
  /// Writes what is left and closes the file.
  func finish() throws
}
