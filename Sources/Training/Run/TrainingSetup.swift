import Diagnosis
import MessagePassing
import MillionSong
import Networks
import Sampling

/// What a run is made of before its first step: songs divided and loaded, a replica with equal weights on every
/// rank.
final class TrainingSetup {
  /// Resolved: nothing is left to defaults that depend on the data.
  let configuration: RunConfiguration
  let source: any SongSource
  let communicator: any Communicator
  let sides: SongSides
  let features: SongFeatures
  let replica: Replica
  let adam: Adam
  let trainSample: [Int]
  let ownTrainSample: [Int]
  /// The validation songs that this rank predicts.
  let ownValidation: [Int]
  let threads: Int
  /// What the launcher's binding allows this rank.
  let threadPlan: ThreadPlan

  /// Collective. Throws on all ranks alike.
  init(_ wanted: RunConfiguration, _ source: any SongSource, _ communicator: any Communicator) throws {
    self.source = source
    self.communicator = communicator
    let (rank, size) = (communicator.rank, communicator.size)
    threadPlan = try communicator.threadPlan()
    threads = wanted.threads ?? threadPlan.threads
    let threads = self.threads
    (configuration, sides, replica) = try communicator.agree {
      var configuration = try wanted.resolved(for: source)
      guard configuration.batchSize >= size else {
        throw Failure(
          .usage, "--batch-size \(configuration.batchSize) is smaller than the world size, \(size)",
          remedy: "every rank needs a song of each batch: use at most \(configuration.batchSize) ranks")
      }
      let sides = try SongSides(
        source, split: configuration.split, listsHash: configuration.splitListsHash,
        permuteTags: configuration.permuteTags, seed: configuration.seed)
      configuration.splitListsHash = sides.split.lists?.hash
      let replica = try Replica(
        configuration.architecture(segments: source.segments, tags: source.tags.count),
        maximumBatch: largestShare(ofBatch: configuration.batchSize, size: size), threads: threads)
      return (configuration, sides, replica)
    }
    adam = Adam(for: replica.parameters)
    replica.initializeWeights(seed: configuration.seed)

    let validation = sides.split.validation
    ownValidation = Array(validation[share(of: validation.indices, rank: rank, size: size)])
    trainSample = sides.trainSample(configuration.trainAUCSongs ?? validation.count, seed: configuration.seed)
    features = SongFeatures(songs: source.trackIDs.count, segments: source.segments)
    switch configuration.shuffle {
    case .global:
      ownTrainSample = Array(trainSample[share(of: trainSample.indices, rank: rank, size: size)])
      try features.loadShared(sides.split.train, from: source, communicator)
    case .local:
      // A rank has its own shard of the songs and no others.
      let train = sides.split.train
      let shard = Array(train[share(of: train.indices, rank: rank, size: size)])
      let isOwn = Set(shard)
      ownTrainSample = trainSample.filter(isOwn.contains)
      try communicator.agree { try features.load(shard, from: source) }
    }
    try communicator.agree { try features.load(ownValidation, from: source) }
  }

  /// Collective.
  func summary(_ progress: RunProgress) throws -> RunSummary {
    let train = sides.split.train.count
    let size = communicator.size
    let hosts = try communicator.allgather(communicator.hostName)
    let threads = try communicator.allgather(self.threads)
    let batch = 0..<min(configuration.batchSize, train)
    return RunSummary(
      configuration: configuration, progress: progress, worldSize: size, nodes: Set(hosts).count,
      threads: threads.min()!...threads.max()!, trainSongs: train, validationSongs: sides.split.validation.count,
      testSongs: sides.split.test.count, segments: source.segments, tags: source.tags.count,
      trainableParameters: replica.architecture.trainableParameters,
      nonTrainableParameters: replica.architecture.nonTrainableParameters,
      stepsPerEpoch: GlobalBatches(count: train, batchSize: configuration.batchSize).steps,
      batchShares: share(of: batch, rank: size - 1, size: size).count...share(of: batch, rank: 0, size: size).count
    )
  }
}

extension RunConfiguration {
  /// With what the data decide filled in. Throws `badData` where the data are not what was asked for.
  func resolved(for source: any SongSource) throws -> RunConfiguration {
    if let segments, segments != source.segments {
      throw Failure(
        .badData,
        "\(source.name): made for \(source.segments) segments, but the configuration asks for \(segments)",
        remedy: "prepare it with --segments \(segments), or train with --segments \(source.segments)")
    }
    if let tags { try refuseOtherTags(VocabularyRule(tags), source) }
    var resolved = self
    resolved.segments = source.segments
    if let prepared = source.preparedSplit {
      if let givenSplit { try prepared.refuseOther(SplitRule(givenSplit), name: source.name) }
      resolved.split = givenSplit ?? prepared.rule.description
    } else {
      resolved.split = split
    }
    return resolved
  }

  private func refuseOtherTags(_ rule: VocabularyRule, _ source: any SongSource) throws {
    let fits: Bool
    switch rule {
    case .paper: fits = source.tags == Vocabulary.paper.names
    case .top: fits = source.preparedSplit?.tags == rule
    case .list(let path): fits = try source.tags == Vocabulary(listAt: path).names
    }
    guard !fits else { return }
    throw Failure(
      .badData, "\(source.name): made for \(source.tags.count) other tags than --tags \(rule) names",
      remedy: "prepare it with --tags \(rule), or leave out --tags")
  }
}
