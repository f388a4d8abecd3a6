import ArgumentParser
import MessagePassing
import MillionSong

/// Makes a snapshot of a track tree and its tags.
struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Reads a track tree and its tags on all ranks and writes one snapshot to train from.",
    discussion: """
      Example:
        mpirun -np 4 crnn-dist prepare --msd MSD/data --lastfm lastfm_train --segments 252 --out songs-252.h5

      A song is kept when its file can be read, its Last.fm record has the same track id, title and artist, it has \
      at least --segments segments, and at least one tag of the vocabulary. How many songs each step leaves is \
      printed. Bad files are listed with their causes in OUT.skipped.tsv, songs whose record is another song's in \
      OUT.mismatches.tsv.
      """)

  @Option(help: "The tree of track files, A/B/C/TR….h5 or any other depth.")
  var msd: String

  @Option(help: "The tree of Last.fm records, A/B/C/TR….json or any other depth.")
  var lastfm: String

  @Option(help: "Segments taken from the start of each song; shorter songs are left out.")
  var segments: Int

  @Option(help: "The snapshot to write.")
  var out: String

  @Option(help: "The vocabulary: paper (its 50 tags), top:K, or a text file with one tag a line.")
  var tags = "paper"

  @Option(help: "Let a tag count from this weight on, 0 to 100.")
  var minTagWeight = 0.0

  @Flag(help: "Stop at the first bad file instead of listing it and going on.")
  var strict = false

  func run() throws {
    let options = PreparationOptions(
      trackTree: msd, lastFMTree: lastfm, segments: segments, tags: try VocabularyRule(tags),
      minimumTagWeight: minTagWeight, isStrict: strict)
    try options.validate()
    MPIProgram.run { communicator in
      let display = PreparationDisplay()
      let report = try Preparation.run(options, output: out, communicator: communicator, progress: display.show)
      if communicator.isRoot { display.finish(report, snapshot: out, ranks: communicator.size) }
    }
  }
}
