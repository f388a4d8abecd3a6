import ArgumentParser
import Diagnosis
import FileAccess
import Foundation
import HDF5
import MessagePassing
import Preparation
import Segments
import Snapshots
import Spectrograms

/// Tells what something is and holds.
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: """
      Tells what track files (one, a tree, a list), Last.fm tags, a snapshot, a file of spectrograms, \
      a checkpoint, a configuration or a run's folder are and hold.
      """,
    discussion: """
      Examples:
        crnn-dist inspect songs-252.h5
        crnn-dist inspect configs/large-252.yaml --json
        crnn-dist inspect runs/first
        mpirun -np 4 crnn-dist inspect MSD/data
        mpirun -np 4 crnn-dist inspect MSD/data --lastfm lastfm_train --segments 252,512,1024
        mpirun -np 4 crnn-dist inspect lastfm_train --top 50

      Of a tree, a list or a file of many songs it reads every song, as prepare would, and tells how many there are \
      and of which lengths, and what is wrong with those that cannot be read. With tags (--lastfm, --tag-source) it \
      also tells how many songs prepare would leave after each step, for each of --segments. Nothing is written but \
      --lists.

      Of Last.fm's tags it reads every record and tells how many there are, and the most frequent tags. A \
      configuration or checkpoint is shown layer by layer with output shapes and parameters; a snapshot with the \
      songs left after each step of its making, the table of songs left at --thresholds and the spread of lengths.
      """)

  @Argument(help: "The file or folder.")
  var path: String

  @Flag(help: "Only find the files of a tree, a list or Last.fm's tags, and read none of them.")
  var quick = false

  @Option(
    help:
      "Tell how many songs have at least so many segments, for each of these (default: \(Thresholds.standard)).",
    transform: Thresholds.init)
  var thresholds = Thresholds.standard

  @Option(
    help: """
      With tags: for how many segments, as prepare has them, to tell the songs left after each step (default: \
      \(Lengths.standard)). Songs are read as prepare reads them for the most of these.
      """, transform: Lengths.init)
  var segments = Lengths.standard

  @OptionGroup(title: "Songs and tags, as for prepare") var songs: SongOptions

  @Option(help: "Of Last.fm's tags: how many of the most frequent to tell.")
  var top = 20

  @Option(
    help: """
      Write all songs that could not be read to PREFIX.skipped.tsv, and those whose record is another song's to \
      PREFIX.mismatches.tsv, as prepare does.
      """)
  var lists: String?

  @Flag(help: "Print JSON for machines.")
  var json = false

  func validate() throws {
    if top < 0 { throw ValidationError("--top: found \(top), expected 0 or more") }
    if quick, let useless = saidOfSongs.first {
      throw ValidationError("\(useless) is of no use with --quick, which reads no song")
    }
  }

  func run() throws {
    let options = try songs.preparation(of: path, segments: segments.longest)
    if case .top = options.tags, segments.values.count > 1 {
      throw Failure(
        .usage, "--tags \(songs.tags): which tags those are depends on the length; found the lengths \(segments)",
        remedy: "give one, such as --segments 252")
    }
    MPIProgram.run { world in
      let communicator = WatchedCommunicator(world)
      let subject = try communicator.broadcast { try Subject(of: path) }
      try refuseUseless(subject)
      let progress = ProgressDisplay()
      let inspection = try inspect(subject, options, communicator, progress)
      guard communicator.isRoot else { return try inspection?.check() ?? () }
      progress.finish()
      if let inspection {
        if json { try printJSON(inspection) } else { print(inspection.text) }
        try inspection.check()
      }
    }
  }

  /// Collective. Nil on ranks that were not needed.
  private func inspect(
    _ subject: Subject, _ options: PreparationOptions, _ communicator: any Communicator,
    _ progress: ProgressDisplay
  ) throws -> (any Inspection)? {
    let reading = SongReading(
      options: options, segments: segments, thresholds: thresholds, lists: lists, namesAll: json, isQuick: quick,
      communicator: communicator, progress: progress.show)
    switch subject {
    case .folder: return try TreeInspection(path, reading, top: top)
    case .list: return try ListInspection(path, reading)
    case .aggregate: return try AggregateInspection(path, reading)
    case .database: return try DatabaseInspection(path, reading, top: top)
    // One song, joined: as a tree of one file.
    case .track where options.hasTags: return try ListInspection(path, reading)
    default:
      return try communicator.agree {
        guard communicator.isRoot else { return nil }
        switch subject {
        case .record: return try RecordInspection(path)
        case .run: return try RunInspection(path)
        case .configuration: return try NetworkInspection(configurationAt: path)
        case .checkpoint: return try NetworkInspection(checkpointAt: path)
        case .snapshot: return try SnapshotInspection(Snapshot.open(path), thresholds: thresholds)
        case .spectrograms: return SpectrogramInspection(try SpectrogramFile.open(path))
        default: return try TrackInspection(path)
        }
      }
    }
  }

  /// The options given that say something of songs.
  private var saidOfSongs: [String] {
    [
      ("--lastfm", songs.lastfm != nil), ("--tag-source", songs.tagSource != .lastFM),
      ("--join", songs.join != nil),
      ("--lists", lists != nil),
    ].filter(\.1).map(\.0)
  }

  /// Options that say something of songs are refused where there are none.
  private func refuseUseless(_ subject: Subject) throws {
    guard ![.folder, .list, .aggregate, .track].contains(subject) else { return }
    guard let useless = saidOfSongs.first else { return }
    throw Failure(
      .usage, "\(useless) is of no use with \(path), \(subject.inWords)",
      remedy: "it goes with track files: a tree, a list or a file of them"
    ).knownToAllRanks
  }
}

/// Numbers of segments, as `--segments` of `prepare` has them.
struct Lengths: CustomStringConvertible {
  let values: [SegmentChoice]

  /// The paper's.
  static let standard = Lengths(values: [252, 512, 1024])

  private init(values: [SegmentChoice]) { self.values = values }

  /// Reads `252,512,all`.
  init(_ text: String) throws {
    values = try text.split(separator: ",", omittingEmptySubsequences: false).map { word in
      guard let choice = SegmentChoice(String(word)), choice.count ?? 1 > 0 else {
        throw ValidationError("\"\(word)\" is neither a whole number nor all; expected such as 252,512,1024")
      }
      return choice
    }
  }

  /// What needs the most of each song.
  var longest: SegmentChoice {
    values.max { ($0.count ?? .max) < ($1.count ?? .max) } ?? .all
  }

  var description: String { values.map(\.description).joined(separator: ",") }
}

/// What was found, for people and for machines.
protocol Inspection: Encodable {
  /// Lines without a final break.
  var text: String { get }

  /// Throws, once it is told, where nothing of it is of use.
  func check() throws
}

extension Inspection {
  func check() throws {}
}

/// Lines of a name and a value each, the values below one another; a name without a value is a heading.
func table(_ rows: [(name: String, value: String)]) -> String {
  let rows = rows.map { (name: $0.name.withVisibleControls, value: $0.value.withVisibleControls) }
  let width = (rows.filter { !$0.value.isEmpty }.map(\.name.count).max() ?? 0) + 2
  return rows.map { name, value in
    value.isEmpty ? name : name + String(repeating: " ", count: max(1, width - name.count)) + value
  }.joined(separator: "\n")
}
