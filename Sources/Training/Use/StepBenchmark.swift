import DataParallel
import Diagnosis
import FileAccess
import Kernels
import MessagePassing
import Networks
import RandomNumbers
import Sampling

/// Measures training steps, or predictions, on random songs: everything of a step but reading. The step is the one that
/// a run takes (`TrainingStep`), by the same configuration.
public struct StepBenchmark {
  /// The network, how it learns, the batch. Data are not needed, and options that say where they are change nothing.
  public var configuration: RunConfiguration
  /// Of each rank.
  public var threads: Int
  public var steps = 10
  /// Predictions instead of training steps.
  public var isInference = false
  /// Whether phases are timed, and what the machine does at most is measured first.
  public var isProfiled = true

  public init(_ configuration: RunConfiguration, threads: Int) {
    self.configuration = configuration
    self.threads = threads
  }

  private static let warmUpSteps = 2

  /// Collective; every rank has the same speeds, and its own phases. Throws `usage` for a batch smaller than the
  /// world, and for a network or a way of learning that cannot be.
  public func run(_ communicator: any Communicator) throws -> StepMeasurement {
    guard configuration.batchSize >= communicator.size else {
      throw Failure(
        .usage, "--batch-size \(configuration.batchSize) is smaller than the world size, \(communicator.size)")
    }
    guard configuration.segments != .all else {
      throw Failure(.usage, "--segments all: songs of no length can be made up", remedy: "give a number of them")
    }
    try configuration.validateLearning()
    try communicator.barrier()
    let memory = try memory(communicator)
    try communicator.hold(memory)
    let rates = isProfiled ? try measureRates(communicator) : nil
    let exchange = try configuration.makeExchange(configuration.architecture().network(), communicator)
    let bench = try communicator.agree { try Bench(self, exchange, communicator) }
    var seconds: [Double] = []
    var transfers = Transfers()
    var profiles: [StepProfile] = []
    for number in 1...Self.warmUpSteps + steps {
      let profile = isProfiled ? StepProfile() : nil
      try communicator.barrier()
      var result: TrainingStep.Result?
      let time = try ContinuousClock().measure { result = try bench.step(number, profile) }.seconds
      if number > Self.warmUpSteps {
        seconds.append(time)
        if let result { transfers.add(result) }
        if let profile { profiles.append(profile) }
      }
    }
    return StepMeasurement(
      self, bench.network, worldSize: communicator.size, seconds: try communicator.allreduce(seconds, .maximum),
      transfers: try transfers.slowest(communicator), memory: memory,
      peakMemory: try communicator.allreduce(peakResidentBytes(), .maximum), rates: rates,
      phases: rates.map { StepMeasurement.phases(profiles, seconds, $0) })
  }

  /// Seconds that steps spent on what ranks exchange.
  struct Transfers {
    var hidden: [Double] = []
    var unhidden: [Double] = []
    var smallSums: [Double] = []

    mutating func add(_ step: TrainingStep.Result) {
      hidden.append(step.hiddenTransferSeconds)
      unhidden.append(step.unhiddenTransferSeconds)
      smallSums.append(step.smallSumSeconds)
    }

    /// Of each step the slowest rank's. Collective.
    func slowest(_ communicator: any Communicator) throws -> Transfers {
      Transfers(
        hidden: try communicator.allreduce(hidden, .maximum),
        unhidden: try communicator.allreduce(unhidden, .maximum),
        smallSums: try communicator.allreduce(smallSums, .maximum))
    }
  }

  private func measureRates(_ communicator: any Communicator) throws -> MachineRates {
    var plan = MemoryPlan()
    plan.add(.rates, MachineRates.plannedMemory(threads: threads))
    plan.addProgram(threads: threads)
    try communicator.hold(plan)
    return try communicator.agree {
      if let rates = MachineRates.measure(threads: threads) { return rates }
      throw Failure(
        .fault, "\(inBinaryUnits(plan.total.bytes)) to measure the machine's rates were refused by the system",
        remedy: "use --no-profile, or raise the limits that ulimit -a shows")
    }
  }

  /// What a rank takes for its steps, the largest share of a batch being every rank's.
  private func memory(_ communicator: any Communicator) throws -> MemoryPlan {
    try communicator.agree {
      let network = try configuration.architecture().network()
      let songs = configuration.largestShare(ranks: communicator.size)
      let room = ReplicaRoom(songs: songs, segments: songs * network.segments)
      var plan = try configuration.trainingMemory(network, room, threads: threads, communicator)
      plan.add(
        batches: 1, of: room, width: network.segmentWidth,
        ofSong: network.tags + network.songValues + network.auxiliary)
      return plan
    }
  }
}

/// What a rank needs for steps.
private final class Bench {
  private let isInference: Bool
  private let globalSongs: Int
  private let replica: Replica
  private let step: TrainingStep
  private let batches: [Batch]
  /// Songs of all ranks in each part of a batch.
  private let parts: [Int]
  private let seed: UInt64

  init(_ benchmark: StepBenchmark, _ exchange: ReplicaExchange, _ communicator: any Communicator) throws {
    let configuration = benchmark.configuration
    isInference = benchmark.isInference
    globalSongs = configuration.batchSize
    seed = configuration.seed
    let parts = configuration.parts(of: 0..<globalSongs)
    self.parts = parts.map(\.count)
    replica = try Replica(
      configuration.architecture(), maximumBatch: configuration.largestShare(ranks: communicator.size),
      threads: benchmark.threads, gradientMemory: exchange.gradientMemory)
    replica.initializeWeights(seed: seed)
    step = try configuration.makeStep(
      replica, configuration.makeOptimizer(for: replica.parameters), stepsPerEpoch: benchmark.steps, exchange)
    let network = replica.network
    batches = parts.map { part in
      Self.randomBatch(
        share(of: part, rank: communicator.rank, size: communicator.size), network, seed: configuration.seed)
    }
  }

  var network: Network { replica.network }

  /// Nil for predictions.
  func step(_ number: Int, _ profile: StepProfile?) throws -> TrainingStep.Result? {
    replica.profile = profile
    if isInference {
      for batch in batches { _ = try replica.predict(batch, keepingWeights: true) }
      return nil
    }
    var next = batches.makeIterator()
    return try step.take(StepContext(seed: seed, step: UInt32(number), globalSongs: globalSongs), parts: parts) {
      next.next()!
    }
  }

  private static func randomBatch(_ songs: Range<Int>, _ network: Network, seed: UInt64) -> Batch {
    var stream = RandomStream(seed: seed, purpose: .test)
    func random(_ count: Int) -> [Float] { (0..<count).map { _ in Float(stream.uniform()) } }
    var batch = Batch(
      songs: songs.map(UInt32.init), segments: songs.map { _ in network.segments },
      features: random(songs.count * network.segments * network.segmentWidth),
      labels: (0..<songs.count * network.tags).map { _ in stream.chance(0.1) ? 1 : 0 })
    batch.songValues = random(songs.count * network.songValues)
    batch.auxiliary = random(songs.count * network.auxiliary)
    return batch
  }
}
