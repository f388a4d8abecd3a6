import ArgumentParser
import Diagnosis
import MessagePassing
import MillionSong

/// Makes a snapshot of a track tree and its tags.
struct PrepareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prepare",
    abstract: "Reads track files and their tags on all ranks and writes one snapshot to train from.",
    discussion: """
      Examples:
        mpirun -np 4 crnn-dist prepare --msd MSD/data --lastfm lastfm_train --segments 252 --out songs-252.h5
        crnn-dist prepare --msd MSD/data --lastfm lastfm_train --segments all --features both --out songs.h5
        crnn-dist prepare --msd songs.txt --lastfm lastfm_tags.db --min-tag-weight 50 --segments 252 --out heavy.h5
        crnn-dist prepare --msd msd_aggregate.h5 --tag-source artist-terms --segments 252 --out terms.h5

      A song is kept when its file can be read, its Last.fm record has the same track id, title and artist (--join), \
      it has at least --segments segments, and at least one tag of the vocabulary. How many songs each step leaves \
      is printed. Bad files are listed with their causes in OUT.skipped.tsv, songs whose record is another song's in \
      OUT.mismatches.tsv, with both spellings.

      A list of track files has one path a line, of a file or a folder, from where the list stands; empty lines and \
      those that begin with # are left out.
      """)

  @Option(
    help: "Track files: a tree of any depth, one file, or a text list of both. A file may hold one song or many.")
  var msd: String

  @Option(help: "Last.fm's tags: a tree of TR….json files of any depth, or the database lastfm_tags.db.")
  var lastfm: String?

  @Option(
    help: """
      Where tags are: lastfm, or in the track files, artist-terms (weights 0 to 1) or artist-mbtags (weights are \
      counts); these need no --lastfm.
      """)
  var tagSource = TagSource.lastFM

  @Option(
    help: """
      When a song and its Last.fm record are the same: paper (track id, title and artist exactly), normalised \
      (the same but for encoding, case and white space) or track-id. Default: paper; track-id for the database, \
      which has no titles.
      """)
  var join: JoinRule?

  @Option(
    help: """
      Segments taken of each song, shorter songs being left out; all: every song whole, from 12 segments on. \
      From a snapshot of whole songs train can take any number, and --crop any part.
      """)
  var segments: String

  @Option(help: "Which segments: the first, or those in the middle.")
  var crop = Crop.first

  @Option(help: "Whole songs are cut after so many segments (default: \(PreparationOptions.mostSegments)).")
  var longest: Int?

  @Option(help: "What is kept of the segments: pitches, timbre or both.")
  var features = FeatureSelection.pitches

  @Option(help: "The snapshot to write.")
  var out: String

  @Option(
    help: """
      The vocabulary: paper (its 50 tags), a text file with one tag a line, or top:K, the K tags that most songs of \
      the training side have.
      """)
  var tags = "paper"

  @Option(
    help: """
      For --tags top:K: how songs are divided, as train --split says it. No validation or test song is counted; the \
      snapshot keeps the split, and train takes it. Default: random:0.95.
      """)
  var split: String?

  @Option(help: "For --tags top:K: decides how that split falls.")
  var seed: UInt64 = 1

  @Option(help: "Let a tag count from this weight on (Last.fm: 0 to 100).")
  var minTagWeight = 0.0

  @Option(help: "Tell how many songs have at least so many segments, for each of these numbers.")
  var thresholds = Thresholds.standard

  @Flag(help: "Stop at the first bad file instead of listing it and going on.")
  var strict = false

  func run() throws {
    guard let segments = SegmentChoice(segments) else {
      throw Failure(.usage, "--segments \(segments): expected a whole number, or all")
    }
    let options = PreparationOptions(
      trackTree: msd, lastFMTree: lastfm, tagSource: tagSource, segments: segments, crop: crop,
      longest: longest ?? PreparationOptions.mostSegments, features: features, tags: try VocabularyRule(tags),
      minimumTagWeight: minTagWeight, join: join, isStrict: strict,
      split: try split.map { try SplitRule($0) }, seed: seed)
    try options.validate()
    MPIProgram.run { communicator in
      let display = PreparationDisplay()
      let report = try Preparation.run(options, output: out, communicator: communicator, progress: display.show)
      if communicator.isRoot {
        for note in report.notes { print(note) }
        display.finish(report, snapshot: out, ranks: communicator.size, thresholds: thresholds)
      }
    }
  }
}

extension TagSource: ExpressibleByArgument {}
extension JoinRule: ExpressibleByArgument {}
extension Crop: ExpressibleByArgument {}
extension FeatureSelection: ExpressibleByArgument {}
