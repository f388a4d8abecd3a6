import Kernels
import MessagePassing
import Networks

/// The training step of all ranks: forward and backward pass, the sum of the gradients, the optimiser, the moving
/// statistics, and the small sum that tells every rank what all need to know. `train` and `benchmark step` both take
/// this one.
///
///     let step = TrainingStep(replica, optimizer, schedule, communicator, batchNormIsShared: true)
///     let result = try step.take(batch, StepContext(seed: 1, step: 1, globalSongs: 32))
public final class TrainingStep {
  public let replica: Replica
  public let optimizer: any Optimizer
  private let schedule: LearningRateSchedule
  private let clipNorm: Float?
  private let communicator: any Communicator
  private let gradients: GradientReduction
  private let statistics: SynchronousStatistics?

  /// - Parameters:
  ///   - clipNorm: the Euclidean norm that a larger gradient is scaled down to; nil: never.
  ///   - batchNormIsShared: whether batch norm takes its statistics over the global batch.
  public init(
    _ replica: Replica, _ optimizer: any Optimizer, _ schedule: LearningRateSchedule,
    _ communicator: any Communicator, batchNormIsShared: Bool, clipNorm: Double? = nil
  ) {
    self.replica = replica
    self.optimizer = optimizer
    self.schedule = schedule
    self.clipNorm = clipNorm.map { Float($0) }
    self.communicator = communicator
    gradients = GradientReduction(communicator)
    statistics = batchNormIsShared ? SynchronousStatistics(communicator) : nil
  }

  /// What a rank asks of all of them once the step is taken.
  public struct Requests: Sendable {
    /// To stop here.
    public var stop: Bool
    /// To write a checkpoint.
    public var checkpoint: Bool

    public init(stop: Bool = false, checkpoint: Bool = false) {
      self.stop = stop
      self.checkpoint = checkpoint
    }
  }

  /// What all ranks know after a step.
  public struct Result: Sendable {
    /// Sum over the global batch of each song's loss.
    public var lossSum: Double
    /// What was not finite, in words, where the step was left out for it; nil where it was taken.
    public var problem: String?
    /// Whether any rank asked.
    public var requests: Requests
    /// Seconds that this rank spent in the sum of the gradients while it computed nothing.
    public var unhiddenTransferSeconds: Double
  }

  /// Takes a step with this rank's songs, of which there may be none. Collective.
  ///
  /// A step whose loss or gradient is not finite changes nothing, on any rank: all have the same sums.
  ///
  /// - Parameter requests: what this rank asks, found out when the gradients are there.
  /// - Throws: `fault` for a batch of the wrong form, and what the communicator throws.
  public func take(
    _ own: Batch, _ context: StepContext, requests: () -> Requests = { Requests() }
  ) throws -> Result {
    // Alone there is nothing to sum, and no phase that means anything.
    let profile = communicator.size > 1 ? replica.profile : nil
    statistics?.profile = profile
    let outcome = try replica.computeGradients(own, step: context, statistics: statistics)
    profile?.layer = Self.ranks
    let bytes = replica.gradients.count * MemoryLayout<Double>.stride
    let start = StepProfile.now()
    try measure(profile, "sum of the gradients", bytes: bytes) {
      try gradients.reduce(
        replica, localSongs: own.count, globalSongs: context.globalSongs,
        statisticsAreShared: statistics != nil)
    }
    let transfer = communicator.size > 1 ? StepProfile.now() - start : 0
    let sums = try shareSmallSums(outcome.lossSum, requests(), profile)
    let requests = Requests(stop: sums[1] > 0, checkpoint: sums[2] > 0)
    let norm = replica.gradientNorm
    let problem = problem(lossSum: sums[0], norm: norm)
    if problem == nil {
      optimizer.apply(
        to: replica, learningRate: schedule.rate(atStep: Int(context.step)), clipNorm: clipNorm, norm: norm)
      replica.updateMovingStatistics()
    }
    return Result(lossSum: sums[0], problem: problem, requests: requests, unhiddenTransferSeconds: transfer)
  }

  /// One small sum carries the loss, and any rank's wish to stop or to save.
  private func shareSmallSums(
    _ lossSum: Double, _ asked: Requests, _ profile: StepProfile?
  ) throws -> [Double] {
    profile?.layer = Self.ranks
    return try measure(profile, "sum of the losses", bytes: 24) {
      try communicator.allreduce([lossSum, asked.stop ? 1 : 0, asked.checkpoint ? 1 : 0], .sum)
    }
  }

  /// A gradient that single precision cannot hold is not finite where it is used.
  private func problem(lossSum: Double, norm: Double) -> String? {
    func words(_ value: Double) -> String { value.isNaN ? "nan" : "\(value)" }
    if !lossSum.isFinite { return "the loss is \(words(lossSum))" }
    guard norm <= Double(Float.greatestFiniteMagnitude) else {
      return "the norm of the gradient is \(words(norm))"
    }
    return replica.batchStatisticsAreFinite ? nil : "the batch's statistics are not finite"
  }

  /// The layer of a profile that holds what ranks do together.
  public static let ranks = "ranks"

  private func measure<Value>(
    _ profile: StepProfile?, _ phase: String, bytes: Int, _ body: () throws -> Value
  ) rethrows -> Value {
    guard let profile else { return try body() }
    return try profile.measure(phase, .init(bytes: bytes), body)
  }
}
