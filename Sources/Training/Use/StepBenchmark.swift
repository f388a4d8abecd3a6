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
    let bench = try communicator.agree { try Bench(self, communicator) }
    var seconds: [Double] = []
    var transfers: [Double] = []
    var profiles: [StepProfile] = []
    for number in 1...Self.warmUpSteps + steps {
      let profile = isProfiled ? StepProfile() : nil
      try communicator.barrier()
      var transfer = 0.0
      let time = try ContinuousClock().measure { transfer = try bench.step(number, profile) }.seconds
      if number > Self.warmUpSteps {
        seconds.append(time)
        transfers.append(transfer)
        if let profile { profiles.append(profile) }
      }
    }
    return StepMeasurement(
      self, bench.network, worldSize: communicator.size, seconds: try communicator.allreduce(seconds, .maximum),
      unhiddenTransfers: try communicator.allreduce(transfers, .maximum), memory: memory,
      peakMemory: try communicator.allreduce(peakResidentBytes(), .maximum), rates: rates,
      phases: rates.map { StepMeasurement.phases(profiles, seconds, $0) })
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
      let songs = largestShare(ofBatch: configuration.batchSize, size: communicator.size)
      let room = ReplicaRoom(songs: songs, segments: songs * network.segments)
      var plan = try configuration.trainingMemory(network, room, threads: threads)
      plan.add(batches: 1, of: room, width: network.segmentWidth, tags: network.tags)
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
  private let batch: Batch
  private let seed: UInt64

  init(_ benchmark: StepBenchmark, _ communicator: any Communicator) throws {
    let configuration = benchmark.configuration
    isInference = benchmark.isInference
    globalSongs = configuration.batchSize
    seed = configuration.seed
    let own = share(of: 0..<globalSongs, rank: communicator.rank, size: communicator.size)
    replica = try Replica(
      configuration.architecture(), maximumBatch: largestShare(ofBatch: globalSongs, size: communicator.size),
      threads: benchmark.threads)
    replica.initializeWeights(seed: seed)
    step = try configuration.makeStep(
      replica, configuration.makeOptimizer(for: replica.parameters), stepsPerEpoch: benchmark.steps, communicator)
    batch = Self.randomBatch(own, replica.network, seed: seed)
  }

  var network: Network { replica.network }

  /// The seconds that nothing hid of the exchange between ranks.
  func step(_ number: Int, _ profile: StepProfile?) throws -> Double {
    replica.profile = profile
    if isInference {
      _ = try replica.predict(batch)
      return 0
    }
    return try step.take(batch, StepContext(seed: seed, step: UInt32(number), globalSongs: globalSongs))
      .unhiddenTransferSeconds
  }

  private static func randomBatch(_ songs: Range<Int>, _ network: Network, seed: UInt64) -> Batch {
    var stream = RandomStream(seed: seed, purpose: .test)
    return Batch(
      songs: songs.map(UInt32.init), width: network.segmentWidth,
      features: (0..<songs.count * network.segments * network.segmentWidth).map { _ in Float(stream.uniform()) },
      labels: (0..<songs.count * network.tags).map { _ in stream.chance(0.1) ? 1 : 0 })
  }
}
