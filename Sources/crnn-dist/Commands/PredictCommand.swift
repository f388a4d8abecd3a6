import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Training

/// Tags songs.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Tells the most probable tags of the songs in track files.",
    discussion: """
      Example:
        crnn-dist predict --checkpoint runs/first/checkpoints/best.h5 --top 3 TRAAABD128F429CF47.h5

      The segments of each song are judged that the model was made for: the first, the middle, or the whole \
      song. A file that is broken, or a song with fewer segments, is told on standard error; the others are done all the same and the exit code is 65.
      """)

  @Option(help: "The checkpoint.")
  var checkpoint: String

  @Option(help: "Tags to tell of each song.")
  var top = 5

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: Int?

  @Flag(help: "Print JSON.")
  var json = false

  @Argument(help: "Track files, of one song or of many.")
  var tracks: [String]

  func validate() throws {
    guard top >= 1 else { throw ValidationError("--top: found \(top), expected 1 or more") }
    if let threads, threads < 1 { throw ValidationError("--threads: found \(threads), expected 1 or more") }
  }

  func run() throws {
    MPIProgram.run { communicator in
      let fair = try communicator.fairThreadCount()
      let prediction = try Prediction(checkpoint: checkpoint, top: top, threads: threads ?? fair, communicator)
      let outcomes = try prediction.run(tracks, communicator)
      try communicator.agree { if let outcomes { try tell(outcomes) } }
    }
  }

  private func tell(_ outcomes: [Prediction.Outcome]) throws {
    let good = outcomes.filter { $0.problem == nil }
    if json {
      try printJSON(good.map(PredictionDocument.init))
    } else {
      for outcome in good { printTags(outcome) }
    }
    var bad = outcomes.compactMap(\.failure)
    guard let last = bad.popLast() else { return }
    // The last problem ends the program, in the words of every other failure.
    for failure in bad { MPIProgram.tell(failure) }
    throw last.knownToAllRanks
  }

  private func printTags(_ outcome: Prediction.Outcome) {
    print("\(outcome.place): \(outcome.artistName ?? "") – \(outcome.title ?? "")".withVisibleControls)
    for tag in outcome.tags {
      print(String(format: "  %5.1f %%  ", tag.probability * 100) + tag.tag.withVisibleControls)
    }
  }
}

/// One song of `predict --json`.
private struct PredictionDocument: Encodable {
  let file: String
  /// In a file of many songs.
  let row: Int?
  let trackID: String?
  let title: String?
  let artistName: String?
  let tags: [Prediction.Tag]

  init(_ outcome: Prediction.Outcome) {
    file = outcome.path
    row = outcome.row
    trackID = outcome.trackID
    title = outcome.title
    artistName = outcome.artistName
    tags = outcome.tags
  }

  enum CodingKeys: String, CodingKey {
    case file, row, title, tags
    case trackID = "track_id"
    case artistName = "artist_name"
  }
}
