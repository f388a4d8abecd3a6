import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Spectrograms
import Synthesis

/// Writes a made-up set with the real one's files, whose tags the pitches predict to a known degree.
struct SynthesizeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "synthesize",
    abstract: "Write a synthetic Million Song Dataset tree with Last.fm records, to try everything on.",
    discussion: """
      Example:
        crnn-dist synthesize --out demo --songs 2000 --seed 1

      Writes DIR/msd/A/B/C/TR….h5 with the real files' structure, DIR/lastfm/A/B/C/TR….json and \
      DIR/synthesis.json. Each song has or lacks five traits that shape its pitches; each of the 50 tags is drawn \
      with a probability that two of the traits decide. So the best AUC that any model can reach is known: it is \
      printed and kept in synthesis.json. docs/synthesis.md has the formulas.

      About 44 % of the songs are usable by default: their Last.fm record is there, agrees, and has a tag of the \
      50. The real sets' shares are near 6 % missing, 14 % mismatched and 48 % empty.

      The same seed gives the same bytes, on any number of ranks.

      With --spectrograms it writes one file of mel spectrograms instead, for --model choi2016:
        mpirun -np 2 crnn-dist synthesize --spectrograms 2000 --out spectrograms.h5
      Its songs have the same traits and tags; the traits shape the spectrogram, and every song has its tags.
      """)

  @Option(
    help: "The folder to write to: new, empty, or with a set of the same options; of spectrograms, the file.")
  var out: String

  @Option(help: "How many songs.")
  var songs: Int?

  @Option(help: "How many spectrograms, in place of songs.")
  var spectrograms: Int?

  @Option(help: "Mel bands of a spectrogram (default: 96).")
  var bands: Int?

  @Option(help: "Frames of a spectrogram (default: 1366).")
  var frames: Int?

  @Option(help: "How a spectrogram's values are kept: float16 or float32 (default: float16).")
  var precision: SpectrogramPrecision?

  @Option(help: "The seed of all chance.")
  var seed: UInt64 = 0

  @Option(help: "Share of songs without a Last.fm record.")
  var missing = SynthesisParameters(songs: 1).missingShare

  @Option(help: "Share of records whose title or artist is spelled differently.")
  var mismatched = SynthesisParameters(songs: 1).mismatchedShare

  @Option(help: "Share of records with an empty list of tags.")
  var empty = SynthesisParameters(songs: 1).emptyShare

  @Option(help: "Share of records with tags, but none of the 50.")
  var otherTags = SynthesisParameters(songs: 1).otherTagsShare

  @Flag(help: "Give each song another song's tags: the control in which nothing can be learnt.")
  var permuteTags = false

  @Flag(help: "Replace a synthetic set of other options, or a file of spectrograms.")
  var force = false

  func validate() throws {
    switch (songs, spectrograms) {
    case (nil, nil): throw ValidationError("Missing expected argument '--songs <songs>'")
    case (.some, .some): throw ValidationError("--songs and --spectrograms: expected one of them")
    case (nil, .some): break
    case (.some, nil):
      let given = [("--bands", bands != nil), ("--frames", frames != nil), ("--precision", precision != nil)]
      if let useless = given.first(where: \.1) {
        throw ValidationError("\(useless.0) is of no use without --spectrograms")
      }
    }
  }

  func run() throws {
    if let spectrograms { return try write(spectrograms: spectrograms) }
    let songs = songs ?? 0
    let parameters = SynthesisParameters(
      songs: songs, seed: seed, missingShare: missing, mismatchedShare: mismatched, emptyShare: empty,
      otherTagsShare: otherTags, permuteTags: permuteTags)
    try parameters.validate()
    MPIProgram.run { communicator in
      let progress = SynthesisProgress(songs: songs)
      let report = try TreeSynthesis(parameters, into: out)
        .run(communicator, replacing: force) { progress.tell($0) }
      if communicator.rank == 0 { tell(report) }
    }
  }

  private func write(spectrograms count: Int) throws {
    let shape = SpectrogramShape(
      bands: bands ?? 96, frames: frames ?? 1_366, isHalf: (precision ?? .float16) == .float16)
    let synthesis = SpectrogramSynthesis(
      songs: count, seed: seed, shape: shape, permuteTags: permuteTags, output: out)
    MPIProgram.run { communicator in
      let progress = SynthesisProgress(songs: count)
      let best = try synthesis.run(communicator, replacing: force) { progress.tell($0) }
      guard communicator.isRoot else { return }
      print("\(out): \(count) spectrograms of \(shape.bands) bands and \(shape.frames) frames")
      let macro = permuteTags ? 0.5 : best.macroROCAUC
      let words = macro.map { "macro " + String(format: "%.4f", $0) } ?? "undefined"
      print("best AUC any model can reach: \(words)\(permuteTags ? " (tags permuted: beyond it is chance)" : "")")
    }
  }

  private func tell(_ report: SynthesisReport) {
    guard let counts = report.counts else { return }
    print("\(out): \(counts.songs) songs")
    print("  no Last.fm record    \(counts.missing)")
    print("  spelled differently  \(counts.mismatched)")
    print("  no tags              \(counts.empty)")
    print("  none of the 50 tags  \(counts.otherTags)")
    print("  usable               \(counts.usable)")
    guard let best = report.best else {
      print("best AUC: undefined, as no tag has both a song with it and one without")
      return
    }
    func text(_ value: Double) -> String { String(format: "%.4f", value) }
    if let micro = best.microAUC {
      print("best AUC any model can reach: macro \(text(best.macroAUC)), micro \(text(micro))")
    } else {
      print("best AUC any model can reach: macro \(text(best.macroAUC)) (tags permuted: beyond it is chance)")
    }
    if best.undefinedTags > 0 {
      print("  \(best.undefinedTags) tags left out: all usable songs have them, or none")
    }
  }
}

/// How far the writing is: a line that is written over on a terminal, one line each tenth elsewhere.
private final class SynthesisProgress {
  private let songs: Int
  private let start = Date()
  private let isTerminal = isatty(STDERR_FILENO) != 0
  private var lastStep = 0

  init(songs: Int) { self.songs = songs }

  func tell(_ done: Int) {
    let step = done * (isTerminal ? 100 : 10) / songs
    guard step > lastStep else { return }
    lastStep = step
    let rate = Double(done) / max(Date().timeIntervalSince(start), 1e-3)
    let line = "\(done) of \(songs) songs, \(Int(rate)) songs/s"
    let text = isTerminal ? "\r\(line)\(done == songs ? "\n" : "")" : "\(line)\n"
    FileHandle.standardError.write(Data(text.utf8))
  }
}

/// How spectrograms' values are kept.
enum SpectrogramPrecision: String, ExpressibleByArgument, CaseIterable {
  case float16, float32
}
