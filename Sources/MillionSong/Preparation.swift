import Diagnosis
import FileAccess
import MessagePassing

// check-layers: raw memory, because the communicator gathers bytes where they lie.

/// Makes a snapshot of a track tree and its tags; all ranks together.
///
/// The songs are read batch by batch in the order of files and rows, each rank a part (`SongPass`); after every batch
/// the ranks write their songs behind one another. So the rows stand in the order of the files' names, the track ids,
/// whatever the number of ranks.
public final class Preparation {
  private var options: PreparationOptions
  private var notes: [String] = []
  /// The side of each song by its track id, where tags were counted; on rank 0, empty elsewhere.
  private var sides: [ExactText: SongSide] = [:]
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
  /// What whole songs are reckoned at; real ones have up to 3,691 segments.
  private static let segmentsOfLongSong = 4096

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
    let tracks = try TrackFiles.discover(options.trackTree, communicator: communicator)
    let records = try OpenedTags(options, communicator: communicator)
    options.join = records.join
    if let note = records.note { notes.append(note) }
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
  private func vocabulary(_ tracks: FileTree, _ records: OpenedTags) throws -> Vocabulary {
    switch options.tags {
    case .paper: return .paper
    case .list(let path): return try communicator.agree { try Vocabulary(listAt: path) }
    case .top(let limit): return try mostFrequent(limit, tracks, records)
    }
  }

  /// The tags that most songs of the training side have. All songs are divided here, before it is known which of
  /// them have a tag of the vocabulary; so validation and test songs are the same ones whatever comes of it.
  private func mostFrequent(_ limit: Int, _ tracks: FileTree, _ records: OpenedTags) throws -> Vocabulary {
    let rule = options.countedSplit ?? .standard
    var census = TagCensus()
    try pass(.countingTags, over: tracks, examiner(records, vocabulary: nil)) { [self] tally, _ in
      try census.add(tally.candidates, communicator)
    }
    let result = try census.mostFrequent(limit, split: rule, seed: options.seed, communicator)
    sides = result.sides
    notes.append(
      "tags counted on the \(result.training) training songs of the split \(rule), seed \(options.seed), which the "
        + "snapshot keeps")
    if result.vocabulary.count < limit {
      notes.append("--tags top:\(limit): those songs have \(result.vocabulary.count) tags and no more")
    }
    return result.vocabulary
  }

  /// Reads everything again with floats for a feature where a value turns up that thousandths cannot hold.
  private func write(
    _ tracks: FileTree, _ records: OpenedTags, _ vocabulary: Vocabulary, _ lists: String
  ) throws -> PreparationReport {
    do {
      return try write(tracks, records, vocabulary, lists, inFloats: [])
    } catch let wider as NeedsFloats {
      // Whatever the other feature holds, the second reading is the last.
      let features = wider.features
      do {
        return try write(tracks, records, vocabulary, lists, inFloats: features)
      } catch is NeedsFloats {
        return try write(tracks, records, vocabulary, lists, inFloats: Set(options.features.features))
      }
    }
  }

  private func write(
    _ tracks: FileTree, _ records: OpenedTags, _ vocabulary: Vocabulary, _ lists: String,
    inFloats: Set<Feature>
  ) throws -> PreparationReport {
    let file = AtomicFile(output, token: try communicator.broadcast([token])[0])
    let writer = try SnapshotWriter(
      file, options: options, inFloats: inFloats, communicator: communicator)
    do {
      var total = SongTally()
      total.skipped = tracks.unlisted
      var songs: [KeptSong] = []
      try pass(.readingSongs, over: tracks, examiner(records, vocabulary: vocabulary)) { [self] tally, kept in
        let found = try gathered(tally, kept.map(\.song))
        total += found.tally
        songs += found.songs
        try writer.append(kept.map(\.values))
      }
      let counts = try communicator.broadcast(total.counts)
      let distribution = try communicator.broadcast(total.distribution)
      let report = PreparationReport(
        counts: counts, distribution: distribution, vocabulary: vocabulary, encodings: writer.encodings,
        skipped: total.skipped, mismatches: total.mismatches, notes: notes)
      try communicator.agree {
        if communicator.isRoot { try PreparationLists(report).write(to: lists, token: token) }
      }
      guard counts.funnel.tagged > 0 else { throw noSongLeft(counts, lists) }
      let sides =
        options.countedSplit == nil ? nil : songs.map { self.sides[ExactText($0.trackID)] ?? SongSide.none }
      try writer.finish(songs, SnapshotRecord(options: options, report: report), sides: sides)
      return report
    } catch {
      writer.discard(after: error)
      throw error
    }
  }

  private func examiner(_ records: OpenedTags, vocabulary: Vocabulary?) -> SongExaminer {
    let reader = TrackReader(vocabulary == nil ? .none : options.window, features: options.features)
    reader.tagSource = options.tagSource
    return SongExaminer(
      reader: reader, tags: records.tags, join: records.join ?? .trackID, vocabulary: vocabulary,
      minimumTagWeight: options.minimumTagWeight, fewestSegments: options.fewestSegments)
  }

  /// Goes through all songs; after every batch, every rank hands on what its own part came to.
  private func pass(
    _ phase: PreparationProgress.Phase, over tracks: FileTree, _ examiner: SongExaminer,
    _ handOn: @escaping (SongTally, [SongPass.Kept]) throws -> Void
  ) throws {
    let segments = min(options.segments.count ?? options.longest, Preparation.segmentsOfLongSong)
    let songBytes = segments * Feature.width * 4 * options.features.features.count
    let batchSize = max(Preparation.smallestBatch, Preparation.batchBytes / songBytes)
    try SongPass(
      over: tracks, examiner, batchSize: batchSize, isStrict: options.isStrict, communicator: communicator,
      progress: { [self] in report(phase, $0, $1) }, handOn: handOn
    ).run()
  }
}

// MARK: - Exchange between ranks

extension Preparation {
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
