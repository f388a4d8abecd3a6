import Diagnosis
import FileAccess
import MessagePassing
import Sampling

// check-layers: raw memory, because the communicator gathers bytes where they lie.

/// Makes a snapshot of a track tree and its tags; all ranks together.
///
/// The files are taken in batches in the order of their names (the track ids), each rank a part of the batch;
/// after every batch the ranks write their songs behind one another. So the rows stand in the order of track ids
/// whatever the number of ranks, and a rank never holds more than its part of one batch.
public final class Preparation {
  private let options: PreparationOptions
  private let output: String
  private let communicator: any Communicator
  private let progress: (PreparationProgress) -> Void

  private init(
    _ options: PreparationOptions, output: String, communicator: any Communicator,
    progress: @escaping (PreparationProgress) -> Void
  ) {
    self.options = options
    self.output = output
    self.communicator = communicator
    self.progress = progress
  }

  /// Pitches that the ranks together hold of one batch, at most.
  private static let batchBytes = 64 << 20
  private static let smallestBatch = 256

  /// Makes the snapshot `output`. Collective.
  ///
  /// Beside it stand `output.skipped.tsv` (bad files with their causes) and `output.mismatches.tsv` (songs whose
  /// Last.fm record is another song's), each only where it has a line.
  /// - Parameters:
  ///   - lists: the path before `.skipped.tsv` and `.mismatches.tsv`; nil for the snapshot's.
  ///   - progress: called on rank 0 alone.
  /// - Throws: `missingInput` and `badData` for the trees, `badData` where no song is left (the message holds the
  ///   funnel) and, with strict options, for the first bad file; `fault` where the snapshot cannot be written.
  @discardableResult
  public static func run(
    _ options: PreparationOptions, output: String, lists: String? = nil, communicator: any Communicator,
    progress: @escaping (PreparationProgress) -> Void = { _ in }
  ) throws -> PreparationReport {
    try options.validate()
    let preparation = Preparation(options, output: output, communicator: communicator, progress: progress)
    return try preparation.run(lists: lists ?? output)
  }

  private func run(lists: String) throws -> PreparationReport {
    try communicator.agree { try checkOutput() }
    report(.findingFiles, 0, 0)
    let tracks = try FileTree.discover(
      root: options.trackTree, suffix: ".h5", purpose: "track tree", communicator: communicator)
    guard tracks.count > 0 else {
      throw Failure(
        .badData, "\(options.trackTree): an empty track tree: found no .h5 file in it",
        remedy: "it should hold files like A/A/A/TRAAABD128F429CF47.h5"
      ).knownToAllRanks
    }
    let records = try LastFMTree(discoveredAt: options.lastFMTree, communicator: communicator)
    let vocabulary = try vocabulary(tracks, records)
    return try write(tracks, records, vocabulary, lists)
  }

  /// The folder of the snapshot must be there before an hour's reading begins.
  private func checkOutput() throws {
    let folder = AtomicFile.folder(of: output)
    guard (try? PathKind(of: folder)) == .folder else {
      throw Failure(.missingInput, "\(output): cannot be written, there is no folder \(folder)")
    }
    if (try? PathKind(of: output)) == .folder {
      throw Failure(.usage, "\(output): is a folder, expected the path of the snapshot to write")
    }
  }

  private lazy var token: UInt64 = UInt64.random(in: 0...UInt64.max)

  private func report(_ phase: PreparationProgress.Phase, _ done: Int, _ total: Int) {
    if communicator.isRoot { progress(PreparationProgress(phase: phase, done: done, total: total)) }
  }
}

// MARK: - Passes over the files

extension Preparation {
  private func vocabulary(_ tracks: FileTree, _ records: LastFMTree) throws -> Vocabulary {
    switch options.tags {
    case .paper: return .paper
    case .list(let path): return try communicator.agree { try Vocabulary(listAt: path) }
    case .top(let limit):
      let examiner = examiner(records, vocabulary: nil)
      var total = SongTally()
      try pass(.countingTags, over: tracks, examiner) { tally, _ in total += try gathered(tally).tally }
      let names = try communicator.broadcast { try Vocabulary.mostFrequent(limit, of: total.songsByTag).names }
      return try Vocabulary(names)
    }
  }

  /// Reads everything again as floats where a pitch turns up that thousandths cannot hold.
  private func write(
    _ tracks: FileTree, _ records: LastFMTree, _ vocabulary: Vocabulary, _ lists: String
  ) throws -> PreparationReport {
    do {
      return try write(tracks, records, vocabulary, lists, .thousandths)
    } catch is NeedsFloats {
      return try write(tracks, records, vocabulary, lists, .float32)
    }
  }

  private func write(
    _ tracks: FileTree, _ records: LastFMTree, _ vocabulary: Vocabulary, _ lists: String, _ encoding: PitchEncoding
  ) throws -> PreparationReport {
    let file = AtomicFile(output, token: try communicator.broadcast([token])[0])
    let writer = try SnapshotWriter(
      file, segments: options.segments, encoding: encoding, communicator: communicator)
    do {
      var total = SongTally()
      total.skipped = tracks.unlisted
      var songs: [KeptSong] = []
      try pass(.readingSongs, over: tracks, examiner(records, vocabulary: vocabulary)) { tally, kept in
        let found = try gathered(tally, kept.map(\.song))
        total += found.tally
        songs += found.songs
        try writer.append(kept.map(\.pitches))
      }
      let counts = try communicator.broadcast(total.counts)
      let distribution = try communicator.broadcast(total.distribution)
      let report = PreparationReport(
        counts: counts, distribution: distribution, vocabulary: vocabulary, encoding: encoding,
        skipped: total.skipped, mismatches: total.mismatches)
      try communicator.agree {
        if communicator.isRoot { try PreparationLists(report).write(to: lists, token: token) }
      }
      guard counts.funnel.tagged > 0 else { throw noSongLeft(counts, lists) }
      try writer.finish(songs, SnapshotRecord(options: options, report: report))
      return report
    } catch {
      writer.discard(after: error)
      throw error
    }
  }

  private func examiner(_ records: LastFMTree, vocabulary: Vocabulary?) -> SongExaminer {
    SongExaminer(
      reader: TrackReader(segments: vocabulary == nil ? 0 : options.segments), records: records,
      join: options.join,
      vocabulary: vocabulary, minimumTagWeight: options.minimumTagWeight, segments: options.segments)
  }

  private typealias Kept = (song: KeptSong, pitches: PitchValues)

  /// Goes through all files batch by batch; after each, every rank hands on what its own part came to.
  private func pass(
    _ phase: PreparationProgress.Phase, over tracks: FileTree, _ examiner: SongExaminer,
    _ handOn: (SongTally, [Kept]) throws -> Void
  ) throws {
    let songBytes = options.segments * Track.pitchClasses * 4
    let batchSize = max(Preparation.smallestBatch, Preparation.batchBytes / songBytes)
    var seen = DuplicateWatch()
    for start in stride(from: 0, to: tracks.count, by: batchSize) {
      let batch = start..<min(start + batchSize, tracks.count)
      let own = share(of: batch, rank: communicator.rank, size: communicator.size)
      let findings = try communicator.agree {
        try own.map { index in
          report(phase, start + min((index - own.lowerBound) * communicator.size, batch.count), tracks.count)
          return try checked(examiner.examine(tracks.path(index)))
        }
      }
      let isNew = try newTracks(among: findings, &seen)
      var tally = SongTally()
      var kept: [Kept] = []
      for (finding, isNew) in zip(findings, isNew) {
        if !isNew, case .read(let track, _) = finding.reading {
          tally.addDuplicate(finding.path, trackID: track.trackID)
        } else if let song = tally.add(finding, examiner) {
          kept.append(song)
        }
      }
      try handOn(tally, kept)
      report(phase, batch.upperBound, tracks.count)
    }
  }

  /// In a strict run a bad file is the end.
  private func checked(_ finding: SongExaminer.Finding) throws -> SongExaminer.Finding {
    guard options.isStrict else { return finding }
    switch finding.reading {
    case .skipped(let file), .read(_, .badRecord(let file)): throw file.failure
    case .read: return finding
    }
  }
}

// MARK: - Exchange between ranks

extension Preparation {
  /// For each finding whether it is the first of its track id in the whole job, in the order of the files.
  private func newTracks(among findings: [SongExaminer.Finding], _ seen: inout DuplicateWatch) throws -> [Bool] {
    var message = PackedWriter()
    message.write(
      findings.map { finding in
        if case .read(let track, _) = finding.reading { track.trackID } else { "" }
      })
    var isNew: [Bool] = []
    for (rank, reader) in try communicator.allgather(message).enumerated() {
      var reader = reader
      for id in try reader.readTexts() {
        let new = id.isEmpty || seen.isNew(id)
        if rank == communicator.rank { isNew.append(new) }
      }
    }
    return isNew
  }

  /// All ranks' tallies and songs together, in the order of the files, on rank 0; nothing elsewhere.
  private func gathered(_ tally: SongTally, _ songs: [KeptSong] = []) throws -> (
    tally: SongTally, songs: [KeptSong]
  ) {
    var message = PackedWriter()
    tally.write(to: &message)
    message.write(songs.count)
    for song in songs { song.write(to: &message) }
    var total = SongTally()
    var all: [KeptSong] = []
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      total += try SongTally(from: &reader)
      for _ in 0..<(try reader.readInt()) { all.append(try KeptSong(from: &reader)) }
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
