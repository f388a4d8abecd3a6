import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Training

/// Tells how good a checkpoint is.
struct EvaluateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Gives the metrics of a checkpoint on one side of its split, overall and for each tag.",
    discussion: """
      Example:
        mpirun -np 2 crnn-dist evaluate --checkpoint runs/first/checkpoints/best.h5 --data songs.h5 --split test

      The figures are the same to the last bit for any number of ranks. Tags that no song, or every song, has are \
      undefined: they are left out of the means and counted.
      """)

  @Option(help: "The checkpoint.")
  var checkpoint: String

  @Option(help: "The snapshot, or file of spectrograms, it was trained on.")
  var data: String

  @Option(help: "The side of the split; all: every song, however they were divided.")
  var split = Evaluation.Songs.side(.validation)

  @Option(
    help: """
      How the songs are divided, as train --split says it. Needed where the checkpoint's split is by lists, which are \
      not opened on its word. Default: as the checkpoint says.
      """)
  var splitRule: String?

  @Flag(help: "Evaluate also on songs, or a split, that are not those of the checkpoint's run.")
  var allowOtherData = false

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: Int?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads: found \(threads), expected 1 or more") }
  }

  func run() throws {
    var evaluation = Evaluation(checkpoint: checkpoint)
    evaluation.songs = split
    evaluation.allowsOtherData = allowOtherData
    evaluation.splitRule = splitRule
    evaluation.threads = threads
    MPIProgram.run { communicator in
      let source = try communicator.agree { try openSongs(data) }
      let report = try evaluation.run(on: source, communicator)
      guard communicator.isRoot else { return }
      if json { try printJSON(EvaluationDocument(report)) } else { printTable(report) }
    }
  }

  private func printTable(_ report: Evaluation.Report) {
    let metrics = report.metrics
    func value(_ value: Double?) -> String { value.map { String(format: "%.4f", $0) } ?? "undefined" }
    print("\(report.songs) songs of the \(report.side) side, \(report.tags.count) tags")
    print("loss                      \(value(metrics.loss))")
    print("ROC-AUC, macro            \(value(metrics.macroROCAUC))")
    print("ROC-AUC, micro            \(value(metrics.microROCAUC))")
    print("average precision, macro  \(value(metrics.macroAveragePrecision))")
    print("Keras AUC (200 steps)     \(value(metrics.kerasAUC))")
    if metrics.undefinedTags > 0 {
      print("undefined tags            \(metrics.undefinedTags), left out of the macro means")
    }
    let width = report.tags.map(\.count).max() ?? 0
    print("\n" + "tag".padding(toLength: width, withPad: " ", startingAt: 0) + "  songs    ROC-AUC  avg. prec.")
    for (name, tag) in zip(report.tags, metrics.tags) {
      let songs = "\(tag.positives)".leftPadded(to: 5)
      let columns = [tag.rocAUC, tag.averagePrecision].map { value($0).leftPadded(to: 11) }
      print(name.padding(toLength: width, withPad: " ", startingAt: 0) + "  " + songs + columns.joined())
    }
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

/// What `evaluate --json` prints.
private struct EvaluationDocument: Encodable {
  private let report: Evaluation.Report

  init(_ report: Evaluation.Report) { self.report = report }

  private enum Key: String, CodingKey {
    case split, songs, epoch, step, loss, tags
    case macro = "auc_macro"
    case micro = "auc_micro"
    case average = "pr_auc_macro"
    case keras = "auc_keras"
    case undefined = "undefined_tags"
  }

  private struct Row: Encodable {
    let tag: String
    let positives: Int
    let auc: Double?
    let averagePrecision: Double?

    enum CodingKeys: String, CodingKey {
      case tag, positives, auc
      case averagePrecision = "pr_auc"
    }

    func encode(to encoder: any Encoder) throws {
      var row = encoder.container(keyedBy: CodingKeys.self)
      try row.encode(tag, forKey: .tag)
      try row.encode(positives, forKey: .positives)
      // Undefined is said (null), not left out.
      try row.encode(auc, forKey: .auc)
      try row.encode(averagePrecision, forKey: .averagePrecision)
    }
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    let metrics = report.metrics
    try document.encode(report.side.description, forKey: .split)
    try document.encode(report.songs, forKey: .songs)
    try document.encode(report.epoch, forKey: .epoch)
    try document.encode(report.step, forKey: .step)
    try document.encode(metrics.loss, forKey: .loss)
    try document.encode(metrics.macroROCAUC, forKey: .macro)
    try document.encode(metrics.microROCAUC, forKey: .micro)
    try document.encode(metrics.macroAveragePrecision, forKey: .average)
    try document.encode(metrics.kerasAUC, forKey: .keras)
    try document.encode(metrics.undefinedTags, forKey: .undefined)
    let rows = zip(report.tags, metrics.tags).map { name, tag in
      Row(tag: name, positives: tag.positives, auc: tag.rocAUC, averagePrecision: tag.averagePrecision)
    }
    try document.encode(rows, forKey: .tags)
  }
}
