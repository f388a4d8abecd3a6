import Diagnosis
import FileAccess
import MessagePassing
import Segments
import Snapshots
import Splits
import Tags
import Texts

/// Makes a snapshot of a track tree and its tags; all ranks together.
///
/// The ranks read the songs batch by batch in the order of files and rows, each a part (`SongScan`); after every batch
/// the ranks write their songs behind one another. So the rows stand in the order of the files' names, the track ids,
/// whatever the number of ranks.
public final class SnapshotPreparation {
  private let sources: SongSources
  private let output: String
  private let communicator: any Communicator

  private init(_ sources: SongSources, output: String) {
    self.sources = sources
    self.output = output
    communicator = sources.communicator
  }

  /// The join is resolved.
  private var options: PreparationOptions { sources.options }

  /// Makes the snapshot `output`. Collective.
  ///
  ///     let options = PreparationOptions(trackFiles: "MSD/data", lastFMTags: "lastfm_train", segments: 252)
  ///     let report = try SnapshotPreparation.run(options, output: "songs.h5", communicator: communicator)
  ///
  /// Beside it stand `output.skipped.tsv` (bad files with their causes) and `output.mismatches.tsv` (songs whose
  /// Last.fm record is another song's), each only where it has a line.
  /// - Parameters:
  ///   - options: where songs and tags are, and what is kept of them.
  ///   - output: the snapshot's path.
  ///   - replacing: whether a snapshot that is there already may be replaced.
  ///   - lists: the path before `.skipped.tsv` and `.mismatches.tsv`; nil for the snapshot's.
  ///   - communicator: of all ranks that take part.
  ///   - progress: called on rank 0 alone.
  /// - Throws: `usage` where something stands at one of these paths that is not to be replaced; `missingInput` and
  ///   `badData` for the trees, `badData` where no song is left (the message holds the
  ///   funnel) and, with strict options, for the first bad file; `fault` where the snapshot cannot be written.
  @discardableResult
  public static func run(
    _ options: PreparationOptions, output: String, replacing: Bool = false, lists: String? = nil,
    communicator: any Communicator,
    progress: @escaping (PreparationProgress) -> Void = { _ in }
  ) throws -> PreparationReport {
    try options.validate()
    try communicator.agree { try checkFolder(of: output) }
    try options.claim(snapshot: output, replacing: replacing, lists: lists ?? output, communicator)
    if communicator.isRoot { FileWriter.removeAbandoned(in: AtomicFile.folder(of: output), of: output) }
    let sources = try SongSources(options, communicator: communicator, progress: progress)
    return try SnapshotPreparation(sources, output: output).write(try sources.vocabulary(), lists ?? output)
  }
}

// MARK: - The reading that writes

extension SnapshotPreparation {
  /// Reads everything again with floats for a feature where a value turns up that thousandths cannot hold.
  private func write(_ vocabulary: Vocabulary, _ lists: String) throws -> PreparationReport {
    do {
      return try write(vocabulary, lists, inFloats: [])
    } catch let wider as NeedsFloats {
      // Whatever the other feature holds, the second reading is the last.
      let features = wider.features
      do {
        return try write(vocabulary, lists, inFloats: features)
      } catch is NeedsFloats {
        return try write(vocabulary, lists, inFloats: Set(options.features.features))
      }
    }
  }

  private func write(
    _ vocabulary: Vocabulary, _ lists: String, inFloats: Set<Feature>
  ) throws -> PreparationReport {
    let file = AtomicFile(output, writer: try communicator.broadcast { FileWriter() })
    let writer = try SnapshotWriter(
      file, options: options.recorded, inFloats: inFloats, communicator: communicator)
    do {
      let list = communicator.isRoot ? PreparationLists(lists) : nil
      var total = SongTally()
      total.skipped = communicator.isRoot ? sources.tracks.unlisted : []
      try communicator.agree { try list?.add(total) }
      try sources.pass(.readingSongs, .tags(vocabulary)) { [self] tally, kept in
        let found = try gathered(tally, kept.map(song))
        try communicator.agree { try list?.add(found.tally) }
        total += found.tally
        total.forget(beyond: PreparationReport.mostNamed)
        try writer.append(kept.map(\.values), all: found.songs)
      }
      let counts = try communicator.broadcast(total.counts)
      let distribution = try communicator.broadcast(total.distribution)
      var report = PreparationReport(
        counts: counts, distribution: distribution, vocabulary: vocabulary, encodings: writer.encodings,
        skipped: total.skipped, mismatches: total.mismatches,
        notes: sources.notes + splitNote)
      if options.keepsUntagged {
        report.untagged =
          distribution.songs(withAtLeast: options.fewestSegments).read - counts.funnel.tagged
      }
      try communicator.agree { try list?.finish() }
      guard counts.funnel.tagged > 0 else { throw noSongLeft(counts, lists) }
      try writer.finish(SnapshotRecord(options: options.recorded, report), sides: options.keptSplit.map(sides))
      return report
    } catch {
      writer.discard(after: error)
      throw error
    }
  }
}

// MARK: - The split that the snapshot keeps

extension SnapshotPreparation {
  private var splitNote: [String] {
    guard let split = options.keptSplit else { return [] }
    return [
      "the snapshot keeps \(options.tags.isCounted ? "that split" : "the split \(split), seed \(options.seed)")"
    ]
  }

  /// A song as the snapshot keeps it, with what its part of the training statistics would be.
  private func song(_ kept: SongScan.Kept) -> SongRow {
    var song = kept.song
    guard options.keptSplit != nil else { return song }
    song.sums = zip(options.features.features, kept.values).filter { $0.0.isStandardized }.map {
      FeatureSums($1.floats, width: $0.width)
    }
    return song
  }

  /// What tells the sides of the snapshot's songs: those that tags were counted by, or else those that training would
  /// have of the same songs by the same rule.
  private func sides(_ rule: SplitRule) -> (SongRowFile) throws -> [SongSide?] {
    let counted = options.tags.isCounted ? sources.sides : nil
    let seed = options.seed
    return { rows in
      if let counted { return try rows.map { counted[$0.trackID] } }
      return try Split(rule, of: try SplitSongs(rows, labels: rule.needsLabels), seed: seed).sideOfSong
    }
  }
}

// MARK: - Exchange between ranks

extension SnapshotPreparation {
  /// All ranks' tallies and songs together, in the order of the files, on rank 0; nothing elsewhere.
  private func gathered(_ tally: SongTally, _ songs: [SongRow] = []) throws -> (
    tally: SongTally, songs: [SongRow]
  ) {
    var message = PackedWriter()
    tally.write(to: &message)
    message.write(songs.count)
    for song in songs { song.write(to: &message) }
    var total = SongTally()
    var all: [SongRow] = []
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      total += try SongTally(from: &reader)
      for _ in 0..<(try reader.readInt()) { all.append(try SongRow(from: &reader)) }
    }
    return (total, all)
  }

  private func noSongLeft(_ counts: SongCounts, _ lists: String) -> Failure {
    let steps = counts.funnel.steps.map { "\($0.songs) \($0.name)" }.joined(separator: ", ")
    let remedy =
      counts.funnel.read == 0
      ? "\(lists).skipped.tsv tells what is wrong with each file"
      : "fewer --segments, other --tags, or trees that belong together"
    return Failure(.badData, "no song is left for \(output): \(steps)", remedy: remedy).knownToAllRanks
  }
}

/// The folder must be there before an hour's reading begins.
func checkFolder(of output: String) throws {
  let folder = AtomicFile.folder(of: output)
  guard (try? PathKind(of: folder)) == .folder else {
    throw Failure(.missingInput, "\(output): cannot be written, there is no folder \(folder)")
  }
  if (try? PathKind(of: output)) == .folder {
    throw Failure(.usage, "\(output): is a folder, expected the path of a file to write")
  }
}
