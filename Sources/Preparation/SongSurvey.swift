import Diagnosis
import FileTrees
import MessagePassing
import Segments
import Snapshots
import Tags

/// What songs and their tags come to, found out as `prepare` would, but without writing a snapshot.
public struct SongSurvey: Sendable {
  /// With the funnel for the options' own number of segments.
  public let counts: SongCounts
  public let distribution: SegmentDistribution
  /// Nil where the options name no tags.
  public let vocabulary: Vocabulary?
  /// The rule by which songs and tags were joined; nil where there was nothing to join.
  public let join: JoinRule?
  /// Bad files with their causes, in the order of file names, and how many there are; on rank 0, none elsewhere.
  public let skipped: [SkippedFile]
  public let skippedCount: Int
  /// Songs whose Last.fm record is another song's, likewise.
  public let mismatches: [Mismatch]
  /// What the user should know beside: choices that the program made.
  public let notes: [String]

  /// Reads all songs that the options name, and of each the segments that they name. Collective.
  ///
  ///     let survey = try SongSurvey(options, communicator: communicator)
  ///     print(survey.funnel(for: 512).table())
  ///
  /// - Parameters:
  ///   - options: where songs and tags are, and what a snapshot would keep of them.
  ///   - tracks: the files that the options name, where they have been found; nil: still to be found.
  ///   - lists: the path before `.skipped.tsv` and `.mismatches.tsv`, which are as `prepare` writes them; nil: none.
  ///   - namesAll: whether all bad files and mismatches are named; else the first thousand of either.
  ///   - communicator: of all ranks that take part.
  ///   - progress: called on rank 0 alone.
  /// - Throws: as `Preparation.run`, but that no song need be left. Tags are not missing where the options say nothing
  ///   of them.
  public init(
    _ options: PreparationOptions, tracks: FileTree? = nil, lists: String? = nil, namesAll: Bool = true,
    communicator: any Communicator,
    progress: @escaping (PreparationProgress) -> Void = { _ in }
  ) throws {
    try options.validate(needsTags: options.saysAnythingOfTags)
    try options.refuseUselessSplit()
    if let lists {
      try communicator.agree { try checkFolder(of: lists) }
      try options.claim(lists: lists, communicator)
    }
    let sources = try SongSources(options, tracks: tracks, communicator: communicator, progress: progress)
    let vocabulary = options.hasTags ? try sources.vocabulary() : nil
    let list = communicator.isRoot ? lists.map { PreparationLists($0) } : nil
    var total = SongTally()
    total.skipped = communicator.isRoot ? sources.tracks.unlisted : []
    try communicator.agree { try list?.add(total) }
    var skippedCount = total.skipped.count
    try sources.pass(.readingSongs, vocabulary.map { .tags($0) } ?? .none) { tally, _ in
      let found = try tally.gathered(communicator)
      try communicator.agree { try list?.add(found) }
      skippedCount += found.skipped.count
      total += found
      if !namesAll { total.forget(beyond: PreparationReport.mostNamed) }
    }
    try communicator.agree { try list?.finish() }
    counts = try communicator.broadcast(total.counts)
    distribution = try communicator.broadcast(total.distribution)
    self.vocabulary = vocabulary
    join = sources.options.join
    skipped = total.skipped
    mismatches = total.mismatches
    notes = sources.notes
    self.skippedCount = skippedCount
  }

  /// The songs left after each step of a `prepare` with so many segments.
  public func funnel(for segments: SegmentChoice) -> Funnel {
    let long = distribution.songs(withAtLeast: segments.fewest)
    return Funnel(
      files: counts.funnel.files, read: counts.funnel.read, joined: counts.funnel.joined, longEnough: long.joined,
      tagged: long.tagged)
  }
}

extension PreparationOptions {
  /// Whether there is a source of tags.
  public var hasTags: Bool { lastFMTags != nil || tagSource.isInTrackFiles }

  /// Whether something is said that asks for one.
  fileprivate var saysAnythingOfTags: Bool {
    hasTags || join != nil || tags != .paper || split != nil || minimumTagWeight != 0
  }
}
