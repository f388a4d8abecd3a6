import Diagnosis
import MessagePassing
import Metrics
import MillionSong
import Networks
import Sampling

/// The metrics of a checkpoint on a side of a split.
public struct Evaluation: Sendable {
  public var checkpoint: String
  /// `train`, `validation`, `test` or `all`.
  public var side = "validation"
  /// Also on songs, and by a split, that the checkpoint's run did not have.
  public var allowsOtherData = false
  /// Divides the songs in place of the checkpoint's rule; nil: the checkpoint's.
  public var splitRule: String?
  /// Nil: a fair share of the cores.
  public var threads: Int?

  public init(checkpoint: String) { self.checkpoint = checkpoint }

  /// What was evaluated and what came out.
  public struct Report: Sendable {
    public let side: String
    public let songs: Int
    public let tags: [String]
    public let metrics: TagMetrics
    public let epoch: Int?
    public let step: Int?
  }

  private static let songsAtOnce = 32

  /// Collective: the songs are shared among the ranks; every rank returns the same report, to the last bit for
  /// any number of ranks. Throws `badData` where the songs are not those of the checkpoint's run.
  public func run(on source: any SongSource, _ communicator: any Communicator) throws -> Report {
    let fair = try communicator.fairThreadCount()
    let (model, sides, songs, replica) = try communicator.agree {
      let model = try StoredModel.read(checkpoint)
      let configuration = try model.configuration()
      try refuseOther(model, source)
      if let splitRule, let prepared = source.preparedSplit {
        try prepared.refuseOther(SplitRule(splitRule), name: source.name)
      }
      let sides = try SongSides(
        source, split: splitRule ?? configuration.split, permuteTags: configuration.permuteTags,
        seed: configuration.seed)
      try refuseOtherSplit(model, sides, source)
      let songs = side == "all" ? Array(source.trackIDs.indices) : sides.songs(of: side) ?? []
      guard !songs.isEmpty else {
        throw Failure(
          .badData, "\(source.name): the split \(splitRule ?? configuration.split) has no songs for \(side)")
      }
      let replica = try model.makeReplica(maximumBatch: Self.songsAtOnce, threads: threads ?? fair)
      return (model, sides, songs, replica)
    }
    let own = Array(songs[share(of: songs.indices, rank: communicator.rank, size: communicator.size)])
    let features = SongFeatures(songs: source.trackIDs.count, segments: source.segments)
    try communicator.agree { try features.load(own, from: source) }
    let evaluator = Evaluator(replica, sides, features, communicator)
    guard let metrics = try evaluator.metrics(of: songs, own: own) else {
      throw Failure(.fault, "no metrics for \(songs.count) songs")
    }
    return Report(
      side: side, songs: songs.count, tags: model.tags, metrics: metrics,
      epoch: model.checkpoint.integers["epoch"], step: model.checkpoint.integers["step"])
  }

  private func refuseOther(_ model: StoredModel, _ source: any SongSource) throws {
    guard model.architecture.segments == source.segments else {
      throw Failure(
        .badData,
        "\(source.name): made for \(source.segments) segments, but \(checkpoint) is a model of "
          + "\(model.architecture.segments)", remedy: "prepare it with --segments \(model.architecture.segments)")
    }
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
      "\(source.name): its split is not that of \(checkpoint): songs it was trained on could be judged as unseen "
        + "(split \(sides.identity), expected \(model.splitIdentity ?? "unknown"))",
      remedy: "--split-rule tells where lists are that have moved; --allow-other-data evaluates all the same")
  }
}
