import DataParallel
import Diagnosis
import MessagePassing
import Networks
import Sampling
import Segments
import Splits
import Tags

/// What a run is made of before its first step: songs divided and loaded, a replica with equal weights on every
/// rank.
final class TrainingSetup {
  /// Resolved: nothing is left to defaults that depend on the data.
  let configuration: RunConfiguration
  /// The songs of the run.
  let source: any SongSource
  /// Songs of the data that have too few segments.
  let tooShort: Int
  /// What the network sees of a song.
  let input: SongInput
  let communicator: any Communicator
  let sides: SongSides
  let split: SplitProvenance
  /// Batches of training and of evaluation, from memory or from the disk.
  let supply: BatchSupply
  let replica: Replica
  /// The step of all ranks, with the optimiser.
  let step: TrainingStep
  let architecture: Architecture
  let trainSample: [Int]
  /// The auxiliary targets, in the order of their outputs.
  let auxiliary: [String]
  private let shard: RankShard
  /// Nil where songs are read from the disk as they are needed.
  private let held: HeldSongs?
  /// The validation songs that this rank predicts.
  let ownValidation: [Int]
  let threads: Int
  /// What the launcher's binding allows this rank.
  let threadPlan: ThreadPlan
  /// Whether songs are read from the disk as they are needed.
  let isStreaming: Bool
  /// What this rank takes, as planned before it was taken.
  let memory: MemoryPlan

  /// Collective. Throws on all ranks alike.
  /// - Parameter scales: of values, where the run begins with weights that know them; nil: the songs' own.
  init(
    _ wanted: RunConfiguration, _ data: any SongSource, _ communicator: any Communicator,
    scales: InputScales? = nil
  ) throws {
    self.communicator = communicator
    let (rank, size) = (communicator.rank, communicator.size)
    threadPlan = try communicator.threadPlan()
    threads = wanted.threads ?? threadPlan.threads
    let threads = self.threads
    let songs: any SongSource
    let sides: SongSides
    let room: ReplicaRoom
    var input: SongInput
    let chosen: [Int]
    (configuration, architecture, input, songs, sides, room, chosen) = try communicator.agree {
      try Self.plan(wanted, data, ranks: size)
    }
    source = songs
    self.sides = sides
    auxiliary = chosen.map { songs.terms?.names[$0] ?? "" }
    split = try communicator.agree { try SplitProvenance(wanted, sides, songs) }
    tooShort = data.trackIDs.count - songs.trackIDs.count
    let train = sides.split.train
    let validation = sides.split.validation
    ownValidation = Array(validation[share(of: validation.indices, rank: rank, size: size)])
    trainSample = sides.trainSample(configuration.trainAUCSongs ?? validation.count, seed: configuration.seed)
    shard = RankShard(shuffle: configuration.shuffle, seed: configuration.seed, ranks: size, rank: rank)
    let own = shard.songs(of: train, epoch: 1)
    let isShared = !configuration.shuffle.hasShards
    let songMemory = try SongMemory(
      budget: configuration.memory, songs: own.count + ownValidation.count,
      songBytes: HeldSongs.bytes(
        songs, input, training: own, configuration.shuffle, validation: ownValidation, communicator),
      batchBytes: room.segments * input.width * MemoryLayout<Float>.stride, communicator)
    isStreaming = songMemory.batchesAhead > 0
    let (configuration, architecture, seen) = (self.configuration, self.architecture, input)
    memory = try communicator.agree {
      try Self.memory(
        configuration, architecture, room, seen, songMemory, ofSongs: train.count + validation.count,
        threads: threads, readers: isShared ? size : 1,
        writesCheckpoints: communicator.isRoot, communicator)
    }
    try communicator.hold(memory)
    let exchange = try configuration.makeExchange(architecture.network(), communicator)
    let gradientMemory = exchange.gradientMemory
    let (replica, optimizer) = try communicator.agree {
      let replica = try Replica(
        architecture, maximumBatch: room.songs, maximumSegments: room.segments, threads: threads,
        gradientMemory: gradientMemory)
      return (replica, try configuration.makeOptimizer(for: replica.parameters))
    }
    self.replica = replica
    replica.initializeWeights(seed: configuration.seed)
    step = configuration.makeStep(
      replica, optimizer,
      stepsPerEpoch: GlobalBatches(count: train.count, batchSize: configuration.batchSize).steps, exchange)
    input.standardization =
      try scales?.ofSegments ?? Standardization.kept(of: songs, sides, input)
      ?? Standardization.measured(train, of: songs, input, communicator)
    input.songStandardization =
      try scales?.ofSong ?? Standardization.measuredOfSongs(train, of: songs, input, communicator)
    self.input = input
    held =
      isStreaming
      ? nil
      : try HeldSongs(
        songs, input, training: own, isShared: isShared, validation: ownValidation, communicator)
    let (scaled, judged) = (input, sides)
    let targets = try communicator.agree {
      try SongTargets(
        songs, scaled, songs: (judged.split.train + judged.split.validation).sorted(), chosen: chosen)
    }
    supply = BatchSupply(
      BatchFiller(
        held ?? StreamedSongs(songs), songs, input, labels: sides.labels, isTagged: sides.isTagged, songs: targets,
        seed: configuration.seed, reusesMemory: !isStreaming),
      batchesAhead: songMemory.batchesAhead)
  }

  /// Goes over to the songs that this rank trains on in an epoch, and returns those of the sample that are among them.
  /// Collective; throws on all ranks alike.
  func turn(to epoch: Int) throws -> [Int] {
    let songs = shard.songs(of: sides.split.train, epoch: epoch)
    if case .partial = shard.shuffle, let held { try communicator.agree { try held.turn(to: songs) } }
    return shard.part(of: trainSample, songs: songs)
  }

  /// What the data and the configuration come to, the same on all ranks.
  private static func plan(
    _ wanted: RunConfiguration, _ data: any SongSource, ranks: Int
  ) throws -> (RunConfiguration, Architecture, SongInput, any SongSource, SongSides, ReplicaRoom, chosen: [Int]) {
    var configuration = try wanted.resolved(for: data)
    guard configuration.batchSize >= ranks else {
      throw Failure(
        .usage, "--batch-size \(configuration.batchSize) is smaller than the world size, \(ranks)",
        remedy: "every rank needs a song of each batch: use at most \(configuration.batchSize) ranks")
    }
    let divided = try DividedSongs(configuration, data)
    let (input, songs, sides, shortest) = (divided.input, divided.songs, divided.sides, divided.shortest)
    try refuseNothingToTrainOn(sides.split, songs, configuration)
    configuration.splitListsHash = sides.split.lists?.hash
    let share = configuration.largestShare(ranks: ranks)
    let counts = songs.segmentCounts
    func longest(_ songs: Int, of side: [Int]) -> Int {
      mostSegments(of: side.lazy.map { input.length(of: counts[$0]) }, songs: songs)
    }
    let mostOfSong = max(longest(1, of: sides.split.train), longest(1, of: sides.split.validation), shortest)
    let chosen = try configuration.auxiliaryTargets(of: songs, among: sides.split.train)
    let architecture = try configuration.architecture(
      segments: mostOfSong, tags: songs.tags.count, auxiliary: chosen.count)
    let room = ReplicaRoom(songs: share, segments: max(longest(share, of: sides.split.train), mostOfSong))
    return (configuration, architecture, input, songs, sides, room, chosen)
  }

  /// What a rank of the run takes.
  private static func memory(
    _ configuration: RunConfiguration, _ architecture: Architecture, _ room: ReplicaRoom, _ input: SongInput,
    _ songs: SongMemory, ofSongs: Int, threads: Int, readers: Int, writesCheckpoints: Bool,
    _ communicator: any Communicator
  ) throws -> MemoryPlan {
    var plan = try configuration.trainingMemory(architecture.network(), room, threads: threads, communicator)
    plan.add(.songs, bytes: songs.bytes(readers: readers))
    plan.add(
      batches: songs.batches, of: room, width: input.width,
      ofSong: architecture.tags + input.songWidth + (architecture.auxiliary?.outputs ?? 0))
    plan.add(.songs, bytes: SongTargets.bytes(input, songs: ofSongs))
    if writesCheckpoints { plan.addCheckpoint() }
    return plan
  }

  /// A rule leaves songs for training; sides that came with the songs may not, or not among those long enough.
  private static func refuseNothingToTrainOn(
    _ split: Split, _ songs: any SongSource, _ configuration: RunConfiguration
  ) throws {
    guard split.train.isEmpty else { return }
    let sides =
      "\(split.validation.count) for validation, \(split.test.count) for test, \(split.unused.count) on no side"
    throw Failure(
      .badData,
      "\(songs.name): no song is left for training: of \(songs.trackIDs.count) that are long enough, the split "
        + "\(configuration.split) has \(sides)",
      remedy: "prepare it with another --split, or train with fewer --segments"
    ).knownToAllRanks
  }

  /// Collective.
  func summary(_ progress: RunProgress) throws -> RunSummary {
    let train = sides.split.train.count
    let size = communicator.size
    let hosts = try communicator.allgather(communicator.hostName)
    let threads = try communicator.allgather(self.threads)
    let batch = 0..<min(configuration.batchSize, train)
    return RunSummary(
      configuration: configuration, progress: progress, split: split, worldSize: size, nodes: Set(hosts).count,
      threads: threads.min()!...threads.max()!, memory: memory, trainSongs: train,
      validationSongs: sides.split.validation.count,
      testSongs: sides.split.test.count, tooShortSongs: tooShort, isStreaming: isStreaming,
      segments: replica.network.segments, tags: source.tags.count, tagNames: source.tags,
      trainableParameters: replica.network.trainableParameters,
      nonTrainableParameters: replica.network.nonTrainableParameters,
      stepsPerEpoch: GlobalBatches(count: train, batchSize: configuration.batchSize).steps,
      batchShares: share(of: batch, rank: size - 1, size: size).count...share(of: batch, rank: 0, size: size).count
    )
  }
}

extension RunConfiguration {
  /// With what the data decide filled in. Throws `badData` where the data are not what was asked for.
  func resolved(for source: any SongSource) throws -> RunConfiguration {
    let there = source.segments
    let isThere =
      switch (segments, there) {
      case (nil, _), (_, .all): true
      case (.all, .count): false
      case (.count(let wanted), .count(let count)): wanted <= count
      }
    if let segments, !isThere {
      throw Failure(
        .badData, "\(source.name): made for \(there) segments, but the configuration asks for \(segments)",
        remedy: "prepare it with --segments \(segments), or train with --segments \(there)")
    }
    if let features, !source.features.contains(features) {
      throw Failure(
        .badData,
        "\(source.name): has \(source.features.rawValue) of the songs, the configuration asks for "
          + "\(features.rawValue)", remedy: "prepare it with --features \(features.rawValue)")
    }
    if let tags { try refuseOtherTags(VocabularyRule(tags), source) }
    var resolved = self
    resolved.segments = segments ?? there
    resolved.features = try features ?? model.features(of: source)
    resolved.model = resolved.namedModel
    try resolved.validateSegments()
    if let prepared = source.preparedSplit {
      if let wantedSplit { try prepared.refuseOther(SplitRule(wantedSplit), name: source.name) }
      if folds == nil { resolved.givenSplit = givenSplit ?? prepared.rule.description }
    } else if folds == nil {
      resolved.givenSplit = split
    }
    return resolved
  }

  /// The words that are auxiliary targets, as places in the source's names: those that most training songs have.
  /// - Throws: `badData` where the source tells no words, or no training song has one.
  func auxiliaryTargets(of source: any SongSource, among train: [Int]) throws -> [Int] {
    guard let auxiliary else { return [] }
    let chosen = auxiliary.parts.flatMap { part in
      source.terms?.mostFrequent(part.count, among: train, where: part.source.has) ?? []
    }
    guard !chosen.isEmpty else {
      throw Failure(
        .badData, "\(source.name): has no \(auxiliary.sources.rawValue) of its training songs",
        remedy: "prepare it with --auxiliary \(auxiliary.sources.rawValue), or train without --auxiliary")
    }
    return chosen
  }

  private func refuseOtherTags(_ rule: VocabularyRule, _ source: any SongSource) throws {
    let fits: Bool
    switch rule {
    case .paper: fits = source.tags == Vocabulary.paper.names
    case .top(let count): fits = source.preparedSplit?.countedTags == count
    case .list(let path): fits = try source.tags == Vocabulary(listAt: path).names
    }
    guard !fits else { return }
    throw Failure(
      .badData, "\(source.name): made for \(source.tags.count) other tags than --tags \(rule) names",
      remedy: "prepare it with --tags \(rule), or leave out --tags")
  }
}
