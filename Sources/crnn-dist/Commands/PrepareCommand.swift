import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Preparation
import Segments
import Snapshots
import Stopping

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

  @Option(
    help: """
      Segments taken of each song, shorter songs being left out; all: every song whole, from 12 segments on. \
      From a snapshot of whole songs train can take any number, and --crop any part.
      """)
  var segments: String

  @Option(help: "The snapshot to write. Nothing but a snapshot is ever replaced, and that with --force alone.")
  var out: String

  @Flag(help: "Replace a snapshot that is there already.")
  var force = false

  @OptionGroup var songs: SongOptions

  @OptionGroup var live: ProgressOption

  @Option(
    help:
      "Tell how many songs have at least so many segments, for each of these (default: \(Thresholds.standard)).",
    transform: Thresholds.init)
  var thresholds = Thresholds.standard

  func run() throws {
    guard let segments = SegmentChoice(segments) else {
      throw Failure(.usage, "--segments: found \"\(segments)\", expected \(SegmentLimits.takenInWords)")
    }
    let options = try songs.preparation(of: msd, segments: segments)
    try options.validate()
    MPIProgram.run { world in
      let communicator = WatchedCommunicator(world)
      StopSignal.install()
      let watch = try EarlyEnd(communicator, during: "songs were prepared")
      defer { watch.end() }
      let progress = ProgressDisplay(isLive: live.progress)
      let report = try SnapshotPreparation.run(
        options, output: out, replacing: force, communicator: communicator, progress: progress.show)
      guard communicator.isRoot else { return }
      progress.finish()
      for note in report.notes { print(note) }
      show(report, seconds: progress.seconds, ranks: communicator.size)
    }
  }

  /// Prints the funnel, the distribution of lengths and what was lost for which reason.
  private func show(_ report: PreparationReport, seconds: Double, ranks: Int) {
    let counts = report.counts
    print(counts.funnel.table())
    print("\n\(DistributionDisplay(report.distribution, hasTags: true, thresholds: thresholds).text)\n")
    for loss in counts.losses { print(loss.text + (loss.list.map { ": \(out).\($0).tsv" } ?? "")) }
    let time = String(format: "%.1f s", seconds) + ", \(ranks) \(ranks == 1 ? "rank" : "ranks")"
    let kept =
      report.untagged > 0
      ? "\(counts.funnel.tagged + report.untagged) songs, \(report.untagged) of them without a tag"
      : "\(counts.funnel.tagged) songs"
    print("wrote \(out): \(kept), \(report.vocabulary.count) tags (\(time))")
  }
}

extension SongCounts {
  /// What was lost for which reason, as far as anything was, and in which of the lists it stands.
  var losses: [(text: String, list: String?)] {
    [
      (badFiles, "songs could not be read", "skipped"),
      (duplicates, "songs have the track id of another one", "skipped"),
      (badRecords, "Last.fm records could not be read", "skipped"),
      (withoutRecord, "songs have no Last.fm record", nil),
      (mismatched, "songs differ from their Last.fm record in id, title or artist", "mismatches"),
      (misnamed, "track files are not named after their track id (they count)", nil),
    ].filter { $0.0 > 0 }.map { ("\($0.0) \($0.1)", $0.2) }
  }
}
