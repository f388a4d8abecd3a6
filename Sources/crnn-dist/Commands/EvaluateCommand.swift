import ArgumentParser
import Diagnosis
import Foundation
import Judging
import MessagePassing
import Metrics
import Training

/// Tells how good a checkpoint is.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Gives the metrics of a checkpoint on one side of its split, overall and for each tag.",
    discussion: """
      Example:
        mpirun -np 2 crnn-dist evaluate --checkpoint runs/first/checkpoints/best.h5 --data songs.h5 --split test

        crnn-dist evaluate --checkpoint runs/512/checkpoints/best.h5 --data songs.h5 --against runs/252/checkpoints/best.h5

      The figures are the same to the last bit for any number of ranks. Tags that no song, or every song, has are \
      undefined: they are left out of the means and counted. Every AUC has a 95 % interval, from resamples of the \
      artists; a tag whose interval is not above 0.5 is predicted no better than by chance (docs/judging.md).
      """)

  @OptionGroup var checkpoints: CheckpointsOption

  @Option(help: "The snapshot, or file of spectrograms, it was trained on.")
  var data: String

  @Option(
    help: """
      Which side of the split is judged (no rule, as in train: that is --split-rule); all: every song, however they were \
      divided.
      """)
  var split = Evaluation.Songs.side(.validation)

  @Option(
    help: """
      How the songs are divided, as train --split says it. Needed where the checkpoint's split is by lists, which are \
      not opened on its word. Default: as the checkpoint says.
      """)
  var splitRule: String?

  @Flag(help: "Evaluate also on songs, or a split, that are not those of the checkpoint's run.")
  var allowOtherData = false

  @Option(
    help: """
      A second checkpoint: tells by how much the first is better on the songs that both judge, with the interval of the \
      difference.
      """)
  var against: String?

  @Option(help: "The snapshot that the second checkpoint was trained on. Default: the first's.")
  var againstData: String?

  @Option(help: "Write the songs' probabilities, tags and artists to this HDF5 file (docs/formats.md).")
  var predictions: String?

  @Option(help: "Write every tag's figures to this table (CSV).")
  var table: String?

  @Option(
    help: "Judge only songs with so many segments in all, so that models of unlike lengths have the same songs.")
  var minSegments = 0

  @Option(
    help: ArgumentHelp(
      "From which probability on a song is said to have a tag, for F1, precision and recall; own: from the one that the "
        + "checkpoint says for each tag, which had the best F1 on the run's validation songs.",
      valueName: "probability|own"))
  var threshold = TagChoice.Threshold.probability(DecisionThresholds.standard)

  @Option(help: "Resamples that the intervals are taken from; 0: no intervals.")
  var resamples = Bootstrap().resamples

  @Option(help: "Decides which resamples are drawn.")
  var resampleSeed = Bootstrap().seed

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: Int?

  @OptionGroup var live: ProgressOption

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads: found \(threads), expected 1 or more") }
    guard resamples == 0 || Self.allowedResamples.contains(resamples) else {
      let (least, most) = (Self.allowedResamples.lowerBound, Self.allowedResamples.upperBound)
      throw ValidationError("--resamples: found \(resamples), expected 0 or from \(least) to \(most)")
    }
    if minSegments < 0 { throw ValidationError("--min-segments: found \(minSegments), expected 0 or more") }
    try threshold.validate()
    if let predictions, let table, URL(fileURLWithPath: predictions) == URL(fileURLWithPath: table) {
      throw ValidationError("--predictions and --table name the same file")
    }
    if against == nil, againstData != nil { throw ValidationError("--against-data needs --against CHECKPOINT") }
    if against != nil, resamples == 0 {
      throw ValidationError("--against tells the interval of a difference: it needs --resamples")
    }
  }

  /// Fewer say nothing of the 2.5th percentile.
  private static let allowedResamples = 100...1_000_000

  func run() throws {
    MPIProgram.run { communicator in
      try communicator.agree {
        let inputs = checkpoints.paths + [data] + [against, againstData].compactMap { $0 }
        guard communicator.isRoot else { return }
        if let predictions { try PredictionsFile.claim(predictions, inputs: inputs) }
        if let table { try TagFiguresTable.claim(table, inputs: inputs) }
      }
      let source = try communicator.agree { try openSongs(data) }
      let progress = ProgressDisplay(isPatient: true, isLive: live.progress)
      let tell = { (done: Int, total: Int) in
        if communicator.isRoot { progress.show("judging songs", unit: "songs", done: done, total: total) }
      }
      let report = try evaluation(of: checkpoints.paths).run(on: source, communicator, progress: tell)
      var otherWarning: String?
      let comparison = try against.map { other in
        let others = try againstData.map { path in try communicator.agree { try openSongs(path) } } ?? source
        var evaluation = evaluation(of: [other])
        evaluation.bootstrap.resamples = 0
        let second = try evaluation.run(on: others, communicator, progress: tell)
        otherWarning = second.warning.map { "\(other): \($0)" }
        return try Comparison.between(report, second, other: other, bootstrap, communicator)
      }
      try communicator.agree {
        guard communicator.isRoot else { return }
        if let predictions {
          try PredictionsFile.write(report, checkpoint: checkpoints.paths.joined(separator: ", "), to: predictions)
        }
        if let table { try TagFiguresTable(report).write(to: table) }
      }
      guard communicator.isRoot else { return }
      progress.finish()
      for warning in [report.warning, otherWarning].compactMap({ $0 }) { warn(warning) }
      if json {
        try printJSON(EvaluationDocument(report: report, threshold: threshold, comparison: comparison))
      } else {
        EvaluationTable(report: report, threshold: threshold, comparison: comparison).printAll()
      }
    }
  }

  private var bootstrap: Bootstrap { Bootstrap(resamples: resamples, seed: resampleSeed) }

  private func evaluation(of checkpoints: [String]) -> Evaluation {
    var evaluation = Evaluation(checkpoints: checkpoints)
    evaluation.songs = split
    evaluation.allowsOtherData = allowOtherData
    evaluation.splitRule = splitRule
    evaluation.fewestSegments = minSegments
    evaluation.threads = threads
    evaluation.threshold = threshold
    evaluation.bootstrap = bootstrap
    return evaluation
  }
}

extension Evaluation.Songs: ExpressibleByArgument {
  public init?(argument: String) {
    guard let songs = Self.allCases.first(where: { $0.description == argument }) else { return nil }
    self = songs
  }

  public var defaultValueDescription: String { description }
  public static var allValueStrings: [String] { allCases.map(\.description) }
}
