import Checkpointing
import Diagnosis
import Foundation
import Networks

/// A run's state as a checkpoint, and back. Nothing in it depends on time or place, so that the same run gives
/// the same bytes.
struct RunCheckpoint {
  let configuration: RunConfiguration
  let architecture: Architecture
  let input: SongInput
  let tags: [String]
  /// Auxiliary targets, in the order of their outputs.
  let auxiliary: [String]
  let dataIdentity: String
  let splitIdentity: String
  /// Songs of an epoch.
  let trainSongs: Int
  /// Which they are; on rank 0.
  let trained: TrainedSongs

  /// All of a state but what `describe` adds.
  /// - Parameters:
  ///   - errors: what rounding has lost of gradients on their way, where it is carried over to the next step.
  ///   - spent: an earlier state that is done with, for its memory.
  func state(
    _ replica: Replica, _ optimizer: any Optimizer, _ errors: ParameterArena?, _ progress: RunProgress,
    reusing spent: consuming Checkpoint
  ) throws -> Checkpoint {
    var checkpoint = Checkpoint()
    var spent = spent
    try StoredModel.describe(architecture, tags: tags, in: &checkpoint)
    checkpoint.texts[StoredModel.Key.configuration] = configuration.portable.yaml
    checkpoint.texts[StoredModel.Key.programVersion] = programVersion
    checkpoint.texts[StoredModel.Key.dataIdentity] = dataIdentity
    checkpoint.texts[StoredModel.Key.splitIdentity] = splitIdentity
    if !auxiliary.isEmpty { checkpoint.lists[StoredModel.Key.auxiliary] = auxiliary }
    checkpoint.integers = [
      "epoch": progress.epoch - 1, "next_epoch": progress.epoch, "step": progress.step,
      "position": progress.position,
      "best_epoch": progress.bestEpoch ?? 0, "optimizer_steps": optimizer.steps,
      "seed": Int(bitPattern: UInt(configuration.seed)),
    ]
    checkpoint.numbers = ["loss_sum": progress.lossSum, "best_validation_auc": progress.bestAUC ?? .nan]
    input.store(in: &checkpoint)
    trained.store(in: &checkpoint)
    var arenas = [
      (StoredModel.Group.weights, replica.parameters),
      (StoredModel.Group.movingStatistics, replica.movingStatistics),
    ]
    arenas += optimizer.state.map { ($0.name, $0.arena) }
    if let errors { arenas.append((Self.errorFeedback, errors)) }
    for (group, arena) in arenas { checkpoint.store(arena, in: group, reusing: &spent) }
    return checkpoint
  }

  private static let errorFeedback = "error_feedback"

  /// Adds what a run has seen so far, which takes the longer to put into words the longer the run is.
  static func describe(_ progress: RunProgress, in checkpoint: inout Checkpoint) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    checkpoint.texts[StoredModel.Key.history] = String(
      decoding: try encoder.encode(progress.history), as: UTF8.self)
    if !progress.loggedLosses.isEmpty {
      checkpoint.texts[StoredModel.Key.loggedLosses] = LoggedLosses.text(progress.loggedLosses)
    }
    if !progress.thresholds.isEmpty {
      checkpoint.arrays[StoredModel.Key.thresholds] = Checkpoint.FloatArray(
        shape: [progress.thresholds.count], values: progress.thresholds)
    }
    // A run that has left no step out says nothing of it.
    for (name, count) in [
      ("skipped_in_a_row", progress.skipped.inARow), ("skipped_of_epoch", progress.skipped.ofEpoch),
      ("skipped_songs_of_epoch", progress.skipped.songsOfEpoch),
    ] where progress.skipped != SkippedSteps() { checkpoint.integers[name] = count }
  }

  /// Takes a checkpoint's state over. Throws `badData` where it is of another run than this configuration's.
  /// - Parameter errors: takes up what rounding had lost, where the checkpoint tells of it.
  func restore(
    _ checkpoint: Checkpoint, to replica: Replica, _ optimizer: any Optimizer, _ errors: ParameterArena?
  ) throws -> RunProgress {
    try refuseOther(checkpoint)
    try checkpoint.restore(replica.parameters, from: StoredModel.Group.weights)
    try checkpoint.restore(replica.movingStatistics, from: StoredModel.Group.movingStatistics)
    for part in optimizer.state { try checkpoint.restore(part.arena, from: part.name) }
    if let errors, checkpoint.arrays.keys.contains(where: { $0.hasPrefix(Self.errorFeedback + "/") }) {
      try checkpoint.restore(errors, from: Self.errorFeedback)
    }
    optimizer.steps = try checkpoint.integer("optimizer_steps", in: RunCounters.steps)
    return try progress(of: checkpoint)
  }

  private func progress(of checkpoint: Checkpoint) throws -> RunProgress {
    var progress = RunProgress()
    progress.epoch = try RunCounters.nextEpoch(of: checkpoint)
    progress.step = try checkpoint.integer("step", in: RunCounters.steps)
    progress.position = try checkpoint.integer("position", in: 0...trainSongs)
    progress.lossSum = try RunCounters.lossSum(of: checkpoint)
    progress.bestAUC = try RunCounters.bestAUC(of: checkpoint)
    let epoch = try checkpoint.integer("best_epoch", in: 0...progress.epoch)
    progress.bestEpoch = epoch == 0 ? nil : epoch
    let model = try StoredModel(checkpoint)
    progress.history = try model.history()
    progress.thresholds = model.thresholds ?? []
    progress.loggedLosses = try LoggedLosses.read(checkpoint, upTo: progress.step)
    progress.skipped = try skipped(of: checkpoint, progress)
    return progress
  }

  private func skipped(of checkpoint: Checkpoint, _ progress: RunProgress) throws -> SkippedSteps {
    var skipped = SkippedSteps()
    guard checkpoint.integers["skipped_in_a_row"] != nil else { return skipped }
    skipped.inARow = try checkpoint.integer("skipped_in_a_row", in: 0...progress.step)
    skipped.ofEpoch = try checkpoint.integer("skipped_of_epoch", in: 0...progress.step)
    skipped.songsOfEpoch = try checkpoint.integer("skipped_songs_of_epoch", in: 0...progress.position)
    return skipped
  }

  /// A run goes on only as the same run: same network, songs, tags, split and chance.
  private func refuseOther(_ checkpoint: Checkpoint) throws {
    let stored = try StoredModel(checkpoint)
    let old = try stored.configuration()
    var differences: [String] = []
    func compare<Value: Equatable>(_ what: String, _ stored: Value, _ wanted: Value) {
      if stored != wanted { differences.append("\(what) \(stored), now \(wanted)") }
    }
    let (was, now) = (stored.architecture, architecture)
    compare("segments", old.segments ?? .count(was.segments), input.segments)
    compare("features", (old.features ?? .pitches).rawValue, input.features.rawValue)
    compare("crop", old.crop.rawValue, input.crop.rawValue)
    compare("longest", old.longest.map { "\($0)" } ?? "none", input.longest.map { "\($0)" } ?? "none")
    compare("number of tags", was.tags, now.tags)
    compare("filters", was.filters, now.filters)
    compare("recurrent_units", was.recurrentUnits, now.recurrentUnits)
    compare("pooling", was.pooling.map(\.words), now.pooling.map(\.words))
    compare("rows of the input", was.frequencyBins, now.frequencyBins)
    compare("zeros before a song", was.zerosBefore, now.zerosBefore)
    compare("zeros after a song", was.zerosAfter, now.zerosAfter)
    compare("input_normalization", was.inputNormalization.rawValue, now.inputNormalization.rawValue)
    compare("reset_gate", was.resetGate.rawValue, now.resetGate.rawValue)
    compare(
      "network behind the convolutions", was.reading?.rawValue ?? "recurrent", now.reading?.rawValue ?? "recurrent"
    )
    compare("dense_units", was.song?.units ?? [], now.song?.units ?? [])
    compare("dense_activation", was.song?.activation ?? .elu, now.song?.activation ?? .elu)
    func words(_ head: AuxiliaryHead?) -> String { head.map { "\($0.outputs) × \($0.weight)" } ?? "none" }
    compare("auxiliary targets", words(was.auxiliary), words(now.auxiliary))
    if let was = old.splitListsHash, let now = configuration.splitListsHash {
      // Lists may have moved, but not changed.
      compare("the split's lists with hash", was, now)
    } else {
      compare("split", old.split, configuration.split)
    }
    compare("seed", old.seed, configuration.seed)
    compare("split_seed", old.seedOfSplit, configuration.seedOfSplit)
    compare("permute_tags", old.permuteTags, configuration.permuteTags)
    compare("shuffle", old.shuffle, configuration.shuffle)
    compare("batch_norm", old.batchNorm, configuration.batchNorm)
    compare("optimizer", old.optimizerType.name, configuration.optimizerType.name)
    if input.segments == .all, try checkpoint.integer("position") > 0 {
      // Where songs differ in length the batch size decides which of them have been seen in mid-epoch.
      compare("batch_size within an epoch", old.batchSize, configuration.batchSize)
    }
    if differences.isEmpty {
      if stored.tags != tags { differences.append("other tags") }
      if checkpoint.lists[StoredModel.Key.auxiliary] ?? [] != auxiliary {
        differences.append("other auxiliary targets")
      }
      compare("songs with identity", try checkpoint.text(StoredModel.Key.dataIdentity), dataIdentity)
      compare("split with identity", try checkpoint.text(StoredModel.Key.splitIdentity), splitIdentity)
    }
    guard differences.isEmpty else {
      throw Failure(
        .badData, "\(checkpoint.source): a checkpoint of another run: \(differences.joined(separator: "; "))",
        remedy: "go on with the options it was started with, or start a new run with another --out")
    }
  }

  /// Options that may change in mid-run, but change its course: what to warn of.
  func changes(since checkpoint: Checkpoint) throws -> [String] {
    let old = try StoredModel(checkpoint).configuration()
    var changes: [String] = []
    func words<Value>(_ value: Value?) -> String { value.map { "\($0)" } ?? "not given" }
    func compare<Value: Equatable>(_ name: String, _ field: KeyPath<RunConfiguration, Value?>) {
      let (was, now) = (old[keyPath: field], configuration[keyPath: field])
      if was != now { changes.append("\(name) was \(words(was)), is now \(words(now))") }
    }
    if old.batchSize != configuration.batchSize {
      changes.append("batch_size was \(old.batchSize), is now \(configuration.batchSize)")
    }
    if old.learningRate != configuration.learningRate {
      changes.append("learning_rate was \(old.learningRate), is now \(configuration.learningRate)")
    }
    if old.gradientCompression != configuration.gradientCompression {
      changes.append(
        "gradient_compression was \(old.gradientCompression), is now \(configuration.gradientCompression)")
    }
    let (was, now) = (try StoredModel(checkpoint).architecture, architecture)
    for (name, rate) in [
      ("convolution_dropout", \Architecture.convolutionDropout), ("final_dropout", \.finalDropout),
    ]
    where was[keyPath: rate] != now[keyPath: rate] {
      changes.append("\(name) was \(was[keyPath: rate]), is now \(now[keyPath: rate])")
    }
    compare("accumulate", \.accumulate)
    compare("clip_norm", \.clipNorm)
    compare("batch_norm_momentum", \.batchNormMomentum)
    compare("momentum", \.momentum)
    compare("weight_decay", \.weightDecay)
    compare("schedule", \.schedule)
    compare("warm_up_steps", \.warmUpSteps)
    compare("final_learning_rate", \.finalLearningRate)
    compare("decay_every", \.decayEvery)
    compare("decay_factor", \.decayFactor)
    if (configuration.schedule ?? .constant).dependsOnAllSteps, old.epochs != configuration.epochs {
      changes.append(
        "epochs was \(old.epochs), is now \(configuration.epochs): the schedule ends at another step")
    }
    return changes
  }
}

extension PoolingSize {
  fileprivate var words: String { "\(frequency)×\(time)" }
}
