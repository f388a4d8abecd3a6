import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Training

/// Tags songs.
struct PredictCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "predict",
    abstract: "Tells the most probable tags of songs, or writes those of a million songs to a file.",
    discussion: """
      Examples:
        crnn-dist predict --checkpoint runs/first/checkpoints/best.h5 --top 3 TRAAABD128F429CF47.h5
        mpirun -np 2 crnn-dist predict --checkpoint best.h5 MSD/data --out tags.csv
        crnn-dist predict --checkpoint best.h5 --threshold 0.3 --embeddings analyses/ --out tags.h5

      The segments of each song are judged that the model was made for: the first, the middle, or the whole \
      song. A song with fewer segments is told with a warning and without tags. A file that is broken is told on standard \
      error; the others are done all the same and the exit code is 65.

      With --out the songs go to a file, whatever their number, in little memory; bad files are counted and listed in \
      OUT.skipped.tsv. The file appears when it is complete. Until then what is done stands in OUT.unfinished: however the \
      work was ended, the same line goes on with it, and no song is in the file twice.
      """)

  @OptionGroup var checkpoints: CheckpointsOption

  @OptionGroup var choice: TagOptions

  @Option(help: "Write the songs to this file: JSON lines, a table, or HDF5 with the probabilities of all tags.")
  var out: String?

  @Option(help: "The file's form: jsonl, csv or hdf5. Default: as its name ends.")
  var format: TagFormat?

  @Flag(help: "Give the values before the last layer too.")
  var embeddings = false

  @Flag(help: "Replace a complete file of tagged songs that is there.")
  var force = false

  @Flag(help: "Take a complete file of tagged songs that is there for this one: there is nothing to do then.")
  var resume = false

  @Flag(help: "Take a song that is too short, and with --out a bad file too, for a fault: the exit code is 65.")
  var strict = false

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: Int?

  @OptionGroup var live: ProgressOption

  @Flag(help: "Print JSON.")
  var json = false

  @Argument(
    help: ArgumentHelp(
      "Songs: track files of one song or of many, folders of them, lists of both, audio analyses (JSON), snapshots, files "
        + "of spectrograms.", valueName: "songs"))
  var inputs: [String]

  func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads: found \(threads), expected 1 or more") }
    guard out == nil else {
      if json { throw ValidationError("--json prints, --out writes: give one of them, such as --out F.jsonl") }
      return
    }
    let options = [("--format", format != nil), ("--force", force), ("--resume", resume)]
    if let needless = options.first(where: \.1) { throw ValidationError("\(needless.0) needs --out F") }
  }

  func run() throws {
    let target = try out.map { path in
      var file = TagFile(path, try format ?? TagFormat(endingOf: path), choice.choice)
      (file.replaces, file.resumes) = (force, resume)
      return file
    }
    MPIProgram.run { communicator in
      let fair = try communicator.fairThreadCount()
      var job = TaggingJob(checkpoints: checkpoints.paths, inputs: inputs, threads: threads ?? fair)
      (job.givesEmbeddings, job.isStrict) = (embeddings, strict)
      if let target { return try write(job, to: target, communicator) }
      let told = try tell(job, communicator)
      try communicator.agree { if communicator.isRoot { try told.end() } }
    }
  }

  // MARK: - To the screen

  private func tell(_ job: TaggingJob, _ communicator: MPICommunicator) throws -> ToldSongs {
    let told = ToldSongs(choice.choice, isJSON: json, isStrict: strict)
    try job.run(choice.choice, communicator) { outcomes, tags in
      for outcome in outcomes { told.tell(outcome, tags: tags) }
    }
    return told
  }

  // MARK: - To a file

  private func write(_ job: TaggingJob, to target: TagFile, _ communicator: MPICommunicator) throws {
    let progress = ProgressDisplay(isPatient: true, isLive: live.progress)
    let report = try job.write(
      to: target, communicator, note: { progress.note($0) },
      progress: { progress.show("judging songs", unit: "songs", done: $0, total: $1) })
    guard communicator.isRoot else { return }
    progress.finish()
    if report.wasComplete { return print("\(target.path): complete already, nothing is done") }
    let skipped = report.tooShort + report.unreadable
    if skipped > 0 {
      let parts = [(report.unreadable, "cannot be read"), (report.tooShort, "too short")].filter { $0.0 > 0 }
      print(
        "\(skipped) not judged (\(parts.map { "\($0.0) \($0.1)" }.joined(separator: ", "))): \(target.skippedPath)"
      )
    }
    let before = report.doneBefore > 0 ? ", \(report.doneBefore) of them before" : ""
    let time = String(format: "%.1f s", progress.seconds)
    print(
      "wrote \(target.path): \(counted(report.judged, "song")), \(time), \(counted(communicator.size, "rank"))\(before)"
    )
  }
}

/// Which tags are told.
struct TagOptions: ParsableArguments {
  @Option(help: "Tags to tell of each song (default: 5, or with --threshold all that reach it).")
  var top: Int?

  @Option(
    help: ArgumentHelp(
      "Tell the tags that are at least so probable, 0 to 1; own: as probable as the checkpoint says for each tag, which had the "
        + "best F1 on the run's validation songs.", valueName: "probability|own"))
  var threshold: TagChoice.Threshold?

  var choice: TagChoice { TagChoice(top: top ?? (threshold == nil ? 5 : nil), threshold: threshold) }

  func validate() throws {
    if let top, top < 1 { throw ValidationError("--top: found \(top), expected 1 or more") }
    try threshold?.validate()
  }
}

extension TagFormat: ExpressibleByArgument {}

extension TagChoice.Threshold: ExpressibleByArgument, CustomStringConvertible {
  public var description: String {
    switch self {
    case .probability(let probability): "\(probability)"
    case .own: "own"
    }
  }

  public var defaultValueDescription: String { description }

  func validate() throws {
    guard case .probability(let least) = self, !(0...1).contains(least) else { return }
    throw ValidationError("--threshold: found \(least), expected 0 to 1, or own")
  }

  public init?(argument: String) {
    if argument == "own" {
      self = .own
    } else if let probability = Float(argument) {
      self = .probability(probability)
    } else {
      return nil
    }
  }
}
