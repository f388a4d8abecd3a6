import Diagnosis
import Foundation
import MessagePassing
import Training

/// Songs with their tags on standard output, as they come or as one JSON list at the end.
final class ToldSongs {
  private let choice: TagChoice
  private let isJSON: Bool
  private let isStrict: Bool
  private var documents: [TaggedSong] = []
  /// What the program ends with, in the words of every other failure.
  private var failures: [Failure] = []

  init(_ choice: TagChoice, isJSON: Bool, isStrict: Bool) {
    self.choice = choice
    self.isJSON = isJSON
    self.isStrict = isStrict
  }

  func tell(_ outcome: Prediction.Outcome, tags: ModelTags) {
    if let failure = outcome.failure {
      guard outcome.problem?.kind == .tooShort, !isStrict else { return failures.append(failure) }
      warn(failure.message)
    }
    let song = TaggedSong(outcome, choice, tags)
    if isJSON {
      documents.append(song)
    } else if song.skipped == nil {
      print("\(outcome.place): \(song.artistName ?? "") – \(song.title ?? "")".withVisibleControls)
      for tag in song.tags {
        print(String(format: "  %5.1f %%  ", tag.probability * 100) + tag.tag.withVisibleControls)
      }
    }
  }

  /// - Throws: the last song's failure; all before it are told.
  func end() throws {
    if isJSON { try printJSON(documents) }
    guard let last = failures.popLast() else { return }
    for failure in failures { MPIProgram.tell(failure) }
    throw last.knownToAllRanks
  }
}

/// Tells something of importance on standard error, in one line.
func warn(_ text: String) {
  FileHandle.standardError.write(Data(("crnn-dist: warning: \(text)".withVisibleControls + "\n").utf8))
}
