import Checkpointing
import Diagnosis
import Foundation
import Networks

/// The network of a checkpoint, without what only training needs.
public struct StoredModel {
  public let checkpoint: Checkpoint
  public let architecture: Architecture
  public let network: Network
  /// In the order of the outputs.
  public let tags: [String]
  /// From which probability on a song is best said to have each tag; nil where the checkpoint does not say: there were no
  /// validation songs, or another program wrote it.
  public let thresholds: [Float]?

  /// - Throws: `badData` where the checkpoint holds no network of ours, or says to be where no run can be.
  public init(_ checkpoint: Checkpoint) throws {
    self.checkpoint = checkpoint
    tags = try checkpoint.list(Key.tags)
    let text = try checkpoint.text(Key.architecture)
    do {
      architecture = try JSONDecoder().decode(Architecture.self, from: Data(text.utf8))
      network = try architecture.network()
    } catch {
      throw Failure(.badData, "\(checkpoint.source): the architecture cannot be used: \(error)")
    }
    guard tags.count == architecture.tags else {
      throw Failure(
        .badData, "\(checkpoint.source): \(tags.count) tag names, but \(architecture.tags) outputs")
    }
    try RunCounters.check(checkpoint)
    thresholds = try Self.thresholds(of: checkpoint, tags: tags.count)
  }

  /// - Throws: `badData` for what is no probability.
  private static func thresholds(of checkpoint: Checkpoint, tags: Int) throws -> [Float]? {
    guard checkpoint.arrays[Key.thresholds] != nil else { return nil }
    let thresholds = try checkpoint.finiteValues(Key.thresholds, shape: [tags])
    guard let wrong = thresholds.firstIndex(where: { !(0...1).contains($0) }) else { return thresholds }
    throw Failure(
      .badData,
      "\(checkpoint.source): \(Key.thresholds): value \(wrong) is \(thresholds[wrong]), expected 0 to 1")
  }

  public static func read(_ path: String) throws -> StoredModel { try StoredModel(Checkpoint.read(path)) }

  /// The configuration it was trained with; the defaults for a network from another program.
  public func configuration() throws -> RunConfiguration {
    var configuration = RunConfiguration()
    if let text = checkpoint.texts[Key.configuration] {
      try configuration.apply(yaml: text, source: checkpoint.source)
    }
    return configuration
  }

  /// What tells the songs it was trained on, and their split, from others; nil for a network from another program.
  public var dataIdentity: String? { checkpoint.texts[Key.dataIdentity] }
  public var splitIdentity: String? { checkpoint.texts[Key.splitIdentity] }

  /// The epochs that are finished; nil for a network from another program.
  public var finishedEpochs: Int? {
    checkpoint.integers["epoch"].map { checkpoint.integers["next_epoch"] == nil ? $0 - 1 : $0 }
  }

  /// The metrics of the epochs that led to it; none for a network from another program.
  public func history() throws -> [EpochMetrics] {
    guard let text = checkpoint.texts[Key.history] else { return [] }
    do {
      return try JSONDecoder().decode([EpochMetrics].self, from: Data(text.utf8))
    } catch {
      throw Failure(.badData, "\(checkpoint.source): its history of metrics cannot be read: \(error)")
    }
  }

  /// What its network sees of a song.
  public func input() throws -> SongInput {
    let input = try SongInput(
      configuration(), segments: architecture.segments, rows: architecture.frequencyBins, of: checkpoint)
    guard input.width == network.segmentWidth, input.songWidth == network.songValues else {
      throw Failure(
        .badData,
        "\(checkpoint.source): a network of \(network.segmentWidth) values a segment and \(network.songValues) of a song "
          + "for \(input.features.rawValue)")
    }
    return input
  }

  /// How large a replica that predicts is to be.
  public struct ReplicaShape: Sendable {
    public var maximumBatch: Int
    /// The most segments of a song; nil: as in training.
    public var longest: Int?
    /// Of the songs of a batch together; nil: as many as can be.
    public var maximumSegments: Int?
    public var threads: Int

    public init(maximumBatch: Int, longest: Int? = nil, maximumSegments: Int? = nil, threads: Int) {
      self.maximumBatch = maximumBatch
      self.longest = longest
      self.maximumSegments = maximumSegments
      self.threads = threads
    }
  }

  /// What predicting with a replica takes: computed before any of it is taken.
  /// - Throws: `usage` for a batch of more than a rank can have.
  func plannedMemory(_ shape: ReplicaShape) throws -> MemoryPlan {
    var plan = MemoryPlan()
    plan.add(
      predicting: try Replica.plannedMemory(
        architecture(shape).network(), maximumBatch: shape.maximumBatch, maximumSegments: shape.maximumSegments))
    plan.addProgram(threads: shape.threads)
    return plan
  }

  private func architecture(_ shape: ReplicaShape) -> Architecture {
    var architecture = architecture
    if let longest = shape.longest { architecture.segments = longest }
    return architecture
  }

  /// A replica with the checkpoint's weights. Whether there is memory for it is for the caller to have looked at
  /// (`plannedMemory`).
  /// - Throws: `badData` where the weights are not the network's, `fault` where the system refuses the memory.
  public func makeReplica(_ shape: ReplicaShape) throws -> Replica {
    let replica = try Replica(
      architecture(shape), maximumBatch: shape.maximumBatch, maximumSegments: shape.maximumSegments,
      threads: shape.threads)
    try checkpoint.restore(replica.parameters, from: Group.weights)
    try checkpoint.restore(replica.movingStatistics, from: Group.movingStatistics)
    return replica
  }

  /// Describes a network in a checkpoint: what `init` reads.
  public static func describe(_ architecture: Architecture, tags: [String], in checkpoint: inout Checkpoint) throws
  {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    checkpoint.texts[Key.architecture] = String(decoding: try encoder.encode(architecture), as: UTF8.self)
    checkpoint.lists[Key.tags] = tags
  }

  /// Names in a checkpoint; docs/formats.md explains them.
  public enum Key {
    public static let architecture = "architecture"
    public static let configuration = "configuration"
    public static let tags = "tags"
    public static let auxiliary = "auxiliary"
    public static let dataIdentity = "data_identity"
    public static let splitIdentity = "split_identity"
    public static let programVersion = "program_version"
    public static let history = "history"
    public static let loggedLosses = "step_losses"
    /// An array.
    public static let thresholds = "decisions/thresholds"
  }

  /// Groups of arrays in a checkpoint.
  public enum Group {
    public static let weights = "weights"
    public static let movingStatistics = "moving_statistics"
  }
}

extension Checkpoint {
  /// Puts an arena's tensors into a group.
  /// - Parameter spent: a checkpoint that has been done with; its arrays' memory is taken over where it fits.
  package mutating func store(_ arena: ParameterArena, in group: String, reusing spent: inout Checkpoint) {
    for placement in arena.placements {
      let path = group + "/" + placement.name
      var array = spent.arrays.removeValue(forKey: path) ?? FloatArray(shape: [], values: [])
      array.shape = placement.shape
      _ = arena.readValues(of: placement.name, into: &array.values)
      arrays[path] = array
    }
  }

  /// Puts an arena's tensors into a group.
  public mutating func store(_ arena: ParameterArena, in group: String) {
    var none = Checkpoint()
    store(arena, in: group, reusing: &none)
  }

  /// Takes an arena's tensors from a group. Throws `badData` where one is missing, of another shape, or holds what is
  /// no number.
  public func restore(_ arena: ParameterArena, from group: String) throws {
    for placement in arena.placements {
      arena.setValues(
        try finiteValues(group + "/" + placement.name, shape: placement.shape), of: placement.name)
    }
  }

  /// An array's values. Throws `badData` where it is missing, of another shape, or holds what is no number.
  package func finiteValues(_ path: String, shape: [Int]) throws -> [Float] {
    let values = try values(path, shape: shape)
    guard let wrong = values.firstIndex(where: { !$0.isFinite }) else { return values }
    throw Failure(.badData, "\(source): \(path): value \(wrong) is \(values[wrong]), expected a finite number")
  }

  /// Says of a network from another program what a run says of its own before the first step.
  package mutating func describeUntrained(_ configuration: RunConfiguration) {
    texts[StoredModel.Key.configuration] = configuration.portable.yaml
    texts[StoredModel.Key.programVersion] = programVersion
    integers = [
      "epoch": 0, "next_epoch": 1, "step": 0, "position": 0, "best_epoch": 0, "optimizer_steps": 0,
      "seed": Int(bitPattern: UInt(configuration.seed)),
    ]
    numbers = ["loss_sum": 0, "best_validation_auc": .nan]
  }
}
