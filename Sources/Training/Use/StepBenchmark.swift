import DataParallel
import Diagnosis
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

  public init(_ architecture: Architecture, batchSize: Int, threads: Int) {
    self.architecture = architecture
    self.batchSize = batchSize
    self.threads = threads
  }

  /// Seconds of each measured step, the slowest rank's.
  public struct Report: Sendable {
    public let batchSize: Int
    public let seconds: [Double]

    public var medianSeconds: Double { quantile(0.5) }
    public var songsPerSecond: Double { Double(batchSize) / medianSeconds }
    /// The speeds between which the middle half of the steps lie.
    public var middleHalf: ClosedRange<Double> {
      let ends = [Double(batchSize) / quantile(0.75), Double(batchSize) / quantile(0.25)]
      return ends[0]...max(ends[0], ends[1])
    }

    private func quantile(_ share: Double) -> Double {
      let sorted = seconds.sorted()
      let place = share * Double(sorted.count - 1)
      let below = Int(place)
      let above = min(below + 1, sorted.count - 1)
      return sorted[below] + (place - Double(below)) * (sorted[above] - sorted[below])
    }
  }

  private static let warmUpSteps = 2

  /// Collective. Throws `usage` for a batch smaller than the world.
  public func run(_ communicator: any Communicator) throws -> Report {
    guard batchSize >= communicator.size else {
      throw Failure(.usage, "--batch-size \(batchSize) is smaller than the world size, \(communicator.size)")
    }
    let own = share(of: 0..<batchSize, rank: communicator.rank, size: communicator.size)
    let replica = try communicator.agree {
      try Replica(
        architecture, maximumBatch: largestShare(ofBatch: batchSize, size: communicator.size), threads: threads)
    }
    replica.initializeWeights(seed: 1)
    let adam = Adam(for: replica.parameters)
    let gradients = GradientReduction(communicator)
    let statistics = batchNorm == .sync ? SynchronousStatistics(communicator) : nil
    let batch = randomBatch(own)
    var seconds: [Double] = []
    for step in 1...Self.warmUpSteps + steps {
      try communicator.barrier()
      let time = try ContinuousClock().measure {
        if isInference {
          _ = try replica.predict(batch)
        } else {
          let context = StepContext(seed: 1, step: UInt32(step), globalSongs: batchSize)
          _ = try replica.accumulateGradients(batch, step: context, statistics: statistics)
          try gradients.sum(replica.gradients)
          adam.apply(to: replica, learningRate: 1e-3)
          replica.updateMovingStatistics()
        }
      }
      if step > Self.warmUpSteps { seconds.append(time.seconds) }
    }
    return Report(batchSize: batchSize, seconds: try communicator.allreduce(seconds, .maximum))
  }

  private func randomBatch(_ songs: Range<Int>) -> Batch {
    var stream = RandomStream(seed: 1, purpose: .test)
    let values = architecture.frequencyBins * architecture.segments
    return Batch(
      songs: songs.map(UInt32.init),
      features: (0..<songs.count * values).map { _ in Float(stream.uniform()) },
      labels: (0..<songs.count * architecture.tags).map { _ in stream.chance(0.1) ? 1 : 0 })
  }
}
