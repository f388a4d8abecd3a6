import Diagnosis
import FileTrees
import MessagePassing
import Segments
import Splits
import Tags
import TrackFiles

/// The songs and tags that options name, found and opened: what `prepare` and `inspect` go through. All calls are
/// collective.
final class SongSources {
  /// The join is resolved.
  private(set) var options: PreparationOptions
  let tracks: FileTree
  private let tags: OpenedTags
  /// What the user should know beside: choices that the program made.
  private(set) var notes: [String] = []
  /// The side of each song, where tags were counted; on rank 0, empty elsewhere.
  private(set) var sides = TrackSides()
  let communicator: any Communicator
  private let progress: (PreparationProgress) -> Void

  /// Memory that the ranks together need for one batch, about.
  private static let batchBytes = 32 << 20
  /// What a song is reckoned at beside its segments: texts, and up to a hundred tags.
  private static let bytesBesideSegments = 4 << 10
  private static let smallestBatch = 256
  /// What whole songs are reckoned at; real ones have up to 3,691 segments.
  private static let segmentsOfLongSong = 4096

  /// - Parameters:
  ///   - tracks: the files that the options name; nil: still to be found.
  ///   - progress: called on rank 0 alone.
  /// - Throws: `missingInput` and `badData` for the songs and tags, `usage` for a join that the tags do not allow.
  init(
    _ options: PreparationOptions, tracks: FileTree? = nil, communicator: any Communicator,
    progress: @escaping (PreparationProgress) -> Void
  ) throws {
    self.options = options
    self.communicator = communicator
    self.progress = progress
    if communicator.isRoot { progress(PreparationProgress(phase: .findingFiles, done: 0, total: 0)) }
    self.tracks = try tracks ?? TrackFileSearch.discover(options.trackFiles, communicator: communicator)
    tags = try OpenedTags(
      options.tagSource, lastFM: options.lastFMTags, join: options.join, communicator: communicator)
    self.options.join = tags.join
    if let note = tags.note { notes.append(note) }
  }

  /// The tags that the options name; where they are to be counted, that is one reading of all songs.
  func vocabulary() throws -> Vocabulary {
    switch options.tags {
    case .paper: return .paper
    case .list(let path): return try communicator.agree { try Vocabulary(listAt: path) }
    case .top(let limit): return try mostFrequent(limit)
    }
  }

  /// The tags that most songs of the training side have. All songs are divided here, before it is known which of
  /// them have a tag of the vocabulary; so validation and test songs are the same ones whatever comes of it.
  private func mostFrequent(_ limit: Int) throws -> Vocabulary {
    let rule = options.keptSplit ?? .standard
    var census = TagCensus()
    try pass(.countingTags, .counting) { [communicator] tally, _ in
      try census.add(tally.candidates, communicator)
    }
    let result = try census.mostFrequent(limit, split: rule, seed: options.seed, communicator)
    sides = result.sides
    notes.append(
      "tags counted on the \(result.training) training songs of the split \(rule), seed \(options.seed)"
    )
    if result.vocabulary.count < limit {
      notes.append("--tags top:\(limit): those songs have \(result.vocabulary.count) tags and no more")
    }
    return result.vocabulary
  }

  /// Goes through all songs; after every batch, every rank hands on what its own part came to.
  /// - Throws: what `handOn` throws and, with strict options, `badData` for the first bad file.
  func pass(
    _ phase: PreparationProgress.Phase, _ labelling: SongExaminer.Labelling,
    _ handOn: @escaping (SongTally, [SongScan.Kept]) throws -> Void
  ) throws {
    let segments = min(options.segments.count ?? options.longest, SongSources.segmentsOfLongSong)
    let songBytes =
      (segments * options.features.width + options.features.songWidth) * 4 + SongSources.bytesBesideSegments
    let batchSize = max(SongSources.smallestBatch, SongSources.batchBytes / songBytes)
    let (communicator, progress) = (communicator, progress)
    try SongScan(
      over: tracks, examiner(labelling), batchSize: batchSize, isStrict: options.isStrict,
      communicator: communicator,
      progress: { done, total in
        if communicator.isRoot { progress(PreparationProgress(phase: phase, done: done, total: total)) }
      }, handOn: handOn
    ).run()
  }

  private func examiner(_ labelling: SongExaminer.Labelling) -> SongExaminer {
    let window = if case .counting = labelling { SegmentWindow.none } else { options.window }
    let reader = TrackReader(window, features: options.features)
    reader.artistTags = options.tagSource.artistTags
    if case .tags = labelling { reader.auxiliary = options.auxiliary?.artistTags ?? [] }
    return SongExaminer(
      reader: reader, tags: tags.tags, join: options.join ?? .trackID, labelling: labelling,
      minimumTagWeight: options.minimumTagWeight, fewestSegments: options.fewestSegments,
      keepsUntagged: options.keepsUntagged)
  }
}
