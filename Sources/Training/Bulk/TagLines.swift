import FileAccess
import Foundation

/// Songs with their tags as JSON lines: an object a song.
final class TagLines: TagWriter {
  private let file: AppendedFile
  private let contents: TagFileContents
  private let encoder = JSONEncoder()

  init(_ path: String, _ contents: TagFileContents) throws {
    file = try AppendedFile(path, isNew: true)
    self.contents = contents
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  }

  func add(_ outcomes: [Prediction.Outcome]) throws {
    var bytes: [UInt8] = []
    for outcome in outcomes where outcome.isOfSong {
      bytes += try encoder.encode(TaggedSong(outcome, contents.choice, contents.model))
      bytes.append(UInt8(ascii: "\n"))
    }
    try file.append(bytes)
  }

  func finish() throws {}
}

extension Prediction.Outcome {
  /// Whether there is a song, judged or too short.
  var isOfSong: Bool { problem == nil || problem?.kind == .tooShort }
}
