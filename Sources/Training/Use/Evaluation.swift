import DataParallel
import Diagnosis
import Judging
import MessagePassing
import Metrics
import Networks
import Sampling
import Splits

/// The metrics of a checkpoint, or of several whose probabilities are averaged, on a side of a split.
public struct Evaluation: Sendable {
  public var checkpoints: [String]
  /// The songs it is judged by.
  public var songs = Songs.side(.validation)
  /// Also on songs, and by a split, that the checkpoint's run did not have.
  public var allowsOtherData = false
  /// Divides the songs in place of the checkpoint's rule; nil: the checkpoint's, unless that names files.
  public var splitRule: String?
  /// Segments that a song must have in all to be judged, so that models of unlike lengths are judged by the same songs.
  public var fewestSegments = 0
  /// From which probability on a song is said to have a tag.
  public var threshold = TagChoice.Threshold.probability(DecisionThresholds.standard)
  /// Nil: a fair share of the cores.
  public var threads: Int?
  /// Draws the resamples that intervals are taken from.
  public var bootstrap = Bootstrap()

  public init(checkpoints: [String]) { self.checkpoints = checkpoints }

  public init(checkpoint: String) { self.init(checkpoints: [checkpoint]) }

  /// Songs to judge a checkpoint by: a side of the split, or all.
  public enum Songs: Sendable, Equatable, CaseIterable, CustomStringConvertible {
    case side(SongSide)
    case all

    public static let allCases = [Songs.side(.validation), .side(.test), .side(.training), .all]

    /// Nil where all are meant.
    var side: SongSide? { if case .side(let side) = self { side } else { nil } }

    public var description: String {
      switch self {
      case .side(let side): side.word
      case .all: "all"
      }
    }
  }

  /// What was evaluated and what came out.
  public struct Report: Sendable {
    public let side: Songs
    public let songs: Int
    public let tags: [String]
    public let metrics: TagMetrics
    /// Nil where no resamples are wanted.
    public let judgement: Judgement?
    /// What the metrics are of, in the order of the songs.
    public let judged: JudgedSongs
    /// From which probability on songs were said to have each tag, and what came of it.
    public let decisions: DecisionMetrics
    /// Epochs finished, and steps taken; nil of several checkpoints.
    public let epoch: Int?
    public let step: Int?
    public let provenance: Provenance

    /// The tags of which this is said; none where no resamples are wanted.
    public func tags(judged verdict: Judgement.Verdict) -> [String] {
      zip(tags, judgement?.tags ?? []).filter { $1.verdict == verdict }.map(\.0)
    }
  }

  /// What was judged by what.
  public struct Provenance: Sendable {
    public let checkpoints: [String]
    /// The file of the songs.
    public let data: String
    /// How they were divided; nil where all were judged.
    public let split: SplitProvenance?
    /// Of the songs judged, those that a network was trained on; nil where a checkpoint does not tell.
    public let trainedOn: Int?
  }

  private static let songsAtOnce = 32
  /// Their maps are large.
  private static let spectrogramsAtOnce = 8
  /// Segments of whole songs at once, unless one has more.
  private static let segmentsAtOnce = 16_384
  private static let batchesAhead = 2

  /// Collective: the songs are shared among the ranks; every rank returns the same report, to the last bit for
  /// any number of ranks.
  /// - Throws: `badData` where the songs are not those of the checkpoint's run; `usage` where its split is by lists that
  ///   nobody has named.
  /// - Parameters:
  ///   - data: the songs, of which the chosen ones are judged.
  ///   - communicator: of all ranks that take part.
  ///   - progress: told songs done, about, and in all.
  public func run(
    on data: any SongSource, _ communicator: any Communicator,
    progress: @escaping (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws -> Report {
    let fair = try communicator.fairThreadCount()
    let (first, evaluator) = try predictions(
      of: checkpoints[0], on: data, threads: threads ?? fair, communicator, progress)
    let others = try checkpoints.dropFirst().map { path in
      // Its replica is gone when it has said what it says.
      let other = try predictions(of: path, on: data, threads: threads ?? fair, communicator, progress).said
      try communicator.agree { try refuseOtherSongs(than: first, other) }
      return other
    }
    let all = [first] + others
    let gathered = first.gathered.map { found in
      Predictions(
        songs: found.songs, probabilities: ModelEnsemble.mean(all.map { $0.gathered?.probabilities ?? [] }))
    }
    let metrics = try evaluator.metrics(of: gathered)
    let (songs, source, sides) = (first.songs, first.source, first.sides)
    let judged = JudgedSongs(
      trackIDs: songs.map { source.trackIDs[$0] },
      artistIDs: songs.map { source.knowsArtists ? source.artistIDs[$0] : "" },
      labels: sides.labels(of: songs),
      probabilities: try communicator.broadcast(values: gathered?.probabilities ?? [], root: 0),
      tagCount: sides.tagCount)
    let tags = ModelEnsemble.tags(all.map(\.model))
    let isOne = all.count == 1
    return Report(
      side: self.songs, songs: songs.count, tags: tags.names, metrics: metrics,
      judgement: try communicator.judge(judged, bootstrap), judged: judged,
      decisions: DecisionMetrics(
        probabilities: judged.probabilities, labels: judged.labels,
        thresholds: tags.names.indices.map { threshold.least(of: $0, tags) }),
      epoch: isOne ? first.model.finishedEpochs : nil, step: isOne ? first.model.checkpoint.integers["step"] : nil,
      provenance: try communicator.agree { try provenance(of: all) })
  }

  /// What one checkpoint says of the songs.
  struct Said {
    let path: String
    let model: StoredModel
    let configuration: RunConfiguration
    /// Those that its network can take, and how they are divided.
    let source: any SongSource
    let sides: SongSides
    /// Those that are judged.
    let songs: [Int]
    /// On rank 0.
    let gathered: Predictions?
  }

  private func predictions(
    of checkpoint: String, on data: any SongSource, threads: Int, _ communicator: any Communicator,
    _ progress: @escaping (_ done: Int, _ total: Int) -> Void
  ) throws -> (said: Said, evaluator: Evaluator) {
    let (model, configuration, input, source, sides, songs) = try communicator.agree {
      let model = try StoredModel.read(checkpoint)
      let tags = checkpoints.count == 1 ? ModelTags(model) : ModelTags(model.tags)
      try threshold.check(tags, of: checkpoint)
      let configuration = try model.configuration()
      let input = try model.input()
      try input.refuseOtherForm(data, checkpoint: checkpoint)
      try data.refuseOtherRows(than: model.network)
      let source = try ChosenSongs.of(data, input, fewest: model.network.shortestSong)
      try refuseOther(model, source)
      let sides = try divided(source, model, configuration)
      return (model, configuration, input, source, sides, try judgedSongs(source, sides, configuration))
    }
    let counts = source.segmentCounts
    let longest = songs.map { input.length(of: counts[$0]) }.max() ?? 0
    let shape = StoredModel.ReplicaShape(
      maximumBatch: input.features == .spectrogram ? Self.spectrogramsAtOnce : Self.songsAtOnce,
      longest: longest,
      maximumSegments: input.segments == .all ? max(longest, Self.segmentsAtOnce) : nil, threads: threads)
    try communicator.hold(try communicator.agree { try model.plannedMemory(shape) })
    let replica = try communicator.agree { try model.makeReplica(shape) }
    let own = Array(songs[share(of: songs.indices, rank: communicator.rank, size: communicator.size)])
    // Each song is needed once: there is no use in keeping it.
    let targets = try communicator.agree { try SongTargets(source, input, songs: own, chosen: []) }
    let filler = BatchFiller(
      StreamedSongs(source), source, input, labels: [], songs: targets, seed: 0, reusesMemory: false)
    let evaluator = Evaluator(
      replica, sides, BatchSupply(filler, batchesAhead: Self.batchesAhead),
      lengths: counts.map { input.length(of: $0) }, communicator)
    evaluator.progress = { done in progress(min(done * communicator.size, songs.count), songs.count) }
    let said = Said(
      path: checkpoint, model: model, configuration: configuration, source: source, sides: sides, songs: songs,
      gathered: try evaluator.predictions(of: songs, own: own))
    return (said, evaluator)
  }

  private func judgedSongs(
    _ source: any SongSource, _ sides: SongSides, _ configuration: RunConfiguration
  ) throws -> [Int] {
    let candidates = self.songs.side.map { sides.split[$0] } ?? Array(source.trackIDs.indices)
    // Nothing can be judged by songs whose tags are not known, which may be among those trained on.
    let tagged = sides.isTagged.isEmpty ? candidates : candidates.filter { sides.isTagged[$0] }
    let songs = longEnough(tagged, of: source)
    guard !songs.isEmpty else {
      let least = fewestSegments > 0 ? " of at least \(fewestSegments) segments" : ""
      throw Failure(
        .badData,
        "\(source.name): the split \(splitRule ?? configuration.split) has no songs\(least) for \(self.songs)")
    }
    return songs
  }

  private func refuseOtherSongs(than first: Said, _ other: Said) throws {
    let (one, two) = (first.songs.map { first.source.trackIDs[$0] }, other.songs.map { other.source.trackIDs[$0] })
    guard one != two else { return }
    throw Failure(
      .badData,
      "\(other.path): judges \(two.count) songs, and \(first.path) \(one.count), which are not the same: what they say "
        + "cannot be averaged",
      remedy: "average networks of one split, and with --min-segments of songs that are long enough for all")
  }

  /// The songs divided as the checkpoint's run had them; where all are wanted, they need not be divided, so that no
  /// list is looked for.
  private func divided(
    _ source: any SongSource, _ model: StoredModel, _ configuration: RunConfiguration
  ) throws -> SongSides {
    guard songs != .all else {
      return SongSides(undivided: source, permuteTags: configuration.permuteTags, seed: configuration.seed)
    }
    if let splitRule, let prepared = source.preparedSplit {
      try prepared.refuseOther(SplitRule(splitRule), name: source.name)
    }
    let sides = try SongSides(
      source, split: splitRule ?? storedRule(configuration, source, model), permuteTags: configuration.permuteTags,
      seed: configuration.seed, splitSeed: configuration.seedOfSplit,
      trainsOnUntagged: configuration.auxiliary != nil)
    try refuseOtherSplit(model, sides, source)
    return sides
  }

  /// The checkpoint's own rule, where no file is needed for it. A checkpoint may be anybody's: which files are opened,
  /// and told of where they are not lists, is for the command line to say.
  /// - Throws: `usage` where it is by lists and the songs do not come divided.
  private func storedRule(
    _ configuration: RunConfiguration, _ source: any SongSource, _ model: StoredModel
  ) throws -> String {
    let rule = try SplitRule(configuration.split)
    guard rule.lists != nil, source.preparedSplit?.decides(for: rule) != true else { return configuration.split }
    throw Failure(
      .usage,
      "\(model.checkpoint.source): its split is by lists (\(configuration.split.prefix(200))), which are not opened on the word of a "
        + "checkpoint alone",
      remedy: "name them with --split-rule, in the same form, or take every song with --split all"
    ).knownToAllRanks
  }

  private func refuseOther(_ model: StoredModel, _ source: any SongSource) throws {
    let checkpoint = model.checkpoint.source
    guard model.tags == source.tags else {
      let first = zip(model.tags, source.tags).first { $0 != $1 }
      let example = first.map { ", such as \"\($0.0)\" and \"\($0.1)\"" } ?? ""
      throw Failure(
        .badData,
        "\(source.name): has \(source.tags.count) tags, \(checkpoint) has \(model.tags.count); they differ\(example)",
        remedy: "prepare it with the checkpoint's tags")
    }
    guard allowsOtherData || model.dataIdentity == source.identity else {
      throw Failure(
        .badData,
        "\(source.name): not the songs that \(checkpoint) was trained on (identity \(source.identity), expected "
          + "\(model.dataIdentity ?? "unknown"))",
        remedy: "--allow-other-data evaluates all the same")
    }
  }

  private func refuseOtherSplit(_ model: StoredModel, _ sides: SongSides, _ source: any SongSource) throws {
    guard !allowsOtherData, model.splitIdentity != sides.identity else { return }
    throw Failure(
      .badData,
      "\(source.name): its split is not that of \(model.checkpoint.source): songs it was trained on could be judged as unseen "
        + "(split \(sides.identity), expected \(model.splitIdentity ?? "unknown"))",
      remedy: "--split-rule tells where lists are that have moved; --allow-other-data evaluates all the same")
  }
}
