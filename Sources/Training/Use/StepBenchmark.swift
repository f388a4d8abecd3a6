import DataParallel
import Diagnosis
import Kernels
import MessagePassing
import Networks
import RandomNumbers
import Sampling

/// Measures training steps, or predictions, on random songs: everything of a step but reading.
public struct StepBenchmark {
  public var architecture: Architecture
  /// Songs of a step, over all ranks.
  public var batchSize: Int
  public var threads: Int
  public var steps = 10
  /// Predictions instead of training steps.
  public var isInference = false
  public var batchNorm = RunConfiguration.BatchNorm.sync
  /// Whether phases are timed, and what the machine does at most is measured first.
  public var isProfiled = true

  public init(_ architecture: Architecture, batchSize: Int, threads: Int) {
    self.architecture = architecture
    self.batchSize = batchSize
    self.threads = threads
  }

  private static let warmUpSteps = 2

  /// Collective; every rank has the same speeds, and its own phases. Throws `usage` for a batch smaller than the
  /// world.
  public func run(_ communicator: any Communicator) throws -> StepMeasurement {
    guard batchSize >= communicator.size else {
      throw Failure(.usage, "--batch-size \(batchSize) is smaller than the world size, \(communicator.size)")
    }
    try communicator.barrier()
    let rates = isProfiled ? MachineRates.measure(threads: threads) : nil
    let bench = try communicator.agree { try Bench(self, communicator) }
    var seconds: [Double] = []
    var profiles: [StepProfile] = []
    for number in 1...Self.warmUpSteps + steps {
      let profile = isProfiled ? StepProfile() : nil
      try communicator.barrier()
      let time = try ContinuousClock().measure { try bench.step(number, profile) }.seconds
      if number > Self.warmUpSteps {
        seconds.append(time)
        if let profile { profiles.append(profile) }
      }
    }
    let phases = rates.map { StepMeasurement.phases(profiles, seconds, $0) }
    return StepMeasurement(
      self, worldSize: communicator.size, seconds: try communicator.allreduce(seconds, .maximum),
      rates: rates, phases: phases)
  }
}

/// What a rank needs for steps.
private final class Bench {
  private let communicator: any Communicator
  private let batchSize: Int
  private let isInference: Bool
  private let replica: Replica
  private let adam: Adam
  private let gradients: GradientReduction
  private let statistics: SynchronousStatistics?
  private let batch: Batch

  init(_ benchmark: StepBenchmark, _ communicator: any Communicator) throws {
    self.communicator = communicator
    batchSize = benchmark.batchSize
    isInference = benchmark.isInference
    let own = share(of: 0..<batchSize, rank: communicator.rank, size: communicator.size)
    replica = try Replica(
      benchmark.architecture, maximumBatch: largestShare(ofBatch: batchSize, size: communicator.size),
      threads: benchmark.threads)
    replica.initializeWeights(seed: 1)
    adam = Adam(for: replica.parameters)
    gradients = GradientReduction(communicator)
    statistics = benchmark.batchNorm == .sync ? SynchronousStatistics(communicator) : nil
    batch = Self.randomBatch(own, benchmark.architecture)
  }

  func step(_ number: Int, _ profile: StepProfile?) throws {
    replica.profile = profile
    if isInference {
      _ = try replica.predict(batch)
      return
    }
    // Alone there is nothing to sum, and no phase that means anything.
    let ranksProfile = communicator.size > 1 ? profile : nil
    statistics?.profile = ranksProfile
    let context = StepContext(seed: 1, step: UInt32(number), globalSongs: batchSize)
    _ = try replica.computeGradients(batch, step: context, statistics: statistics)
    if let ranksProfile {
      ranksProfile.layer = StepMeasurement.ranks
      let bytes = replica.gradients.count * MemoryLayout<Double>.stride
      try ranksProfile.measure("sum of the gradients", .init(bytes: bytes)) {
        try gradients.sum(replica.gradients)
      }
    }
    adam.apply(to: replica, learningRate: 1e-3)
    replica.updateMovingStatistics()
  }

  private static func randomBatch(_ songs: Range<Int>, _ architecture: Architecture) -> Batch {
    var stream = RandomStream(seed: 1, purpose: .test)
    let values = architecture.segmentWidth * architecture.segments
    return Batch(
      songs: songs.map(UInt32.init), channels: architecture.inputChannels,
      features: (0..<songs.count * values).map { _ in Float(stream.uniform()) },
      labels: (0..<songs.count * architecture.tags).map { _ in stream.chance(0.1) ? 1 : 0 })
  }
}
