import Kernels
import MessagePassing
import Networks

/// The training step of all ranks: forward and backward pass, the sum of the gradients, the optimiser, the moving
/// statistics, and the small sum that tells every rank what all need to know. `train` and `benchmark step` both take
/// this one.
///
///     let step = TrainingStep(replica, optimizer, schedule, exchange, batchNormIsShared: true)
///     let result = try step.take(StepContext(seed: 1, step: 1, globalSongs: 32), parts: [32]) { try supply.next() }
public final class TrainingStep {
  public let replica: Replica
  public let optimizer: any Optimizer
  private let schedule: LearningRateSchedule
  private let clipNorm: Float?
  /// What the replicas exchange.
  public let exchange: ReplicaExchange
  private let statistics: SynchronousStatistics?
  private let parts: AccumulatedParts?
  /// Where everything is noted, if anywhere.
  public var timeline: StepTimeline? {
    didSet {
      guard let timeline else {
        replica.trace = nil
        return
      }
      replica.trace = { timeline.add($0, from: $1, to: $2) }
    }
  }

  /// - Parameters:
  ///   - replica: this rank's.
  ///   - optimizer: changes the replica's weights.
  ///   - schedule: the learning rate of each step.
  ///   - exchange: in whose memory the replica's gradients lie.
  ///   - batchNormIsShared: whether batch norm takes its statistics over all ranks.
  ///   - clipNorm: the Euclidean norm that a larger gradient is scaled down to; nil: never.
  ///   - accumulates: whether a step may have several parts.
  public init(
    _ replica: Replica, _ optimizer: any Optimizer, _ schedule: LearningRateSchedule, _ exchange: ReplicaExchange,
    batchNormIsShared: Bool, clipNorm: Double? = nil, accumulates: Bool = false
  ) {
    self.replica = replica
    self.optimizer = optimizer
    self.schedule = schedule
    self.clipNorm = clipNorm.map { Float($0) }
    self.exchange = exchange
    statistics = batchNormIsShared ? SynchronousStatistics(exchange) : nil
    parts = accumulates ? AccumulatedParts(replica) : nil
    if let gradients = exchange.gradients, gradients.overlaps {
      replica.interlude = Interlude { [unowned gradients] in gradients.poll() }
    }
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
    /// This rank's: seconds that sums of gradients took while it computed, and while it did nothing but wait for them;
    /// and that it waited in small sums.
    public var hiddenTransferSeconds = 0.0
    public var unhiddenTransferSeconds = 0.0
    public var smallSumSeconds = 0.0
  }

  /// Takes a step with this rank's songs, of which there may be none. Collective.
  ///
  /// A step whose loss or gradient is not finite changes nothing, on any rank, since all have the same sums: but that what
  /// rounding to fewer bits had lost before it is lost with it.
  ///
  /// - Parameters:
  ///   - context: what the step has in common on all ranks.
  ///   - songs: songs of all ranks in each part of the batch. Gradients of all parts are summed before the optimiser
  ///     sees them; batch norm takes each part's own statistics.
  ///   - requests: what this rank asks, found out when the gradients are there.
  ///   - next: this rank's songs of the next part; what it gave before may be gone then.
  /// - Throws: `fault` for a batch of the wrong form, and what the communicator throws.
  public func take(
    _ context: StepContext, parts songs: [Int], requests: () -> Requests = { Requests() },
    _ next: () throws -> Batch
  ) throws -> Result {
    let profile = exchange.gradients != nil ? replica.profile : nil
    statistics?.profile = profile
    let waited = exchange.waited
    let lossSum = try computeGradients(context, songs, profile, next)
    let times = exchange.gradients?.times ?? ExchangeTimes()
    if let gradients = exchange.gradients { timeline?.add(times, gradients.buckets) }
    let sums = try shareSmallSums(lossSum, requests(), profile)
    let requests = Requests(stop: sums[1] > 0, checkpoint: sums[2] > 0)
    let norm = exchange.gradients == nil ? replica.takeOwnGradients() : replica.gradientNorm
    let problem = problem(lossSum: sums[0], norm: norm)
    if problem == nil {
      timed("optimizer") {
        optimizer.apply(
          to: replica, learningRate: schedule.rate(atStep: Int(context.step)), clipNorm: clipNorm, norm: norm)
        replica.updateMovingStatistics()
      }
    }
    return Result(
      lossSum: sums[0], problem: problem, requests: requests, hiddenTransferSeconds: times.hidden,
      unhiddenTransferSeconds: times.unhidden, smallSumSeconds: exchange.waited - waited)
  }

  /// Forward and backward pass of every part; leaves the sums of all ranks. Returns the sum of this rank's losses.
  private func computeGradients(
    _ context: StepContext, _ songs: [Int], _ profile: StepProfile?, _ next: () throws -> Batch
  ) throws -> Double {
    try exchange.gradients?.begin()
    var lossSum = 0.0
    for (part, partSongs) in songs.enumerated() {
      let own = try next()
      let isLast = part == songs.count - 1
      let outcome = try replica.computeGradients(own, step: context, statistics: statistics) { range in
        guard isLast else { return }
        if part > 0 { parts?.add(range) }
        if let gradients = exchange.gradients, gradients.overlaps { gradients.take(from: range.lowerBound) }
      }
      lossSum += outcome.lossSum
      if statistics == nil {
        try exchange.mean(replica.batchStatistics, localSongs: own.count, globalSongs: partSongs)
      }
      if songs.count > 1 {
        parts?.keep(part, weight: Double(partSongs) / Double(context.globalSongs), last: isLast)
      }
    }
    profile?.layer = Self.ranks
    let bytes = replica.gradients.count * MemoryLayout<Double>.stride
    try measure(profile, "sum of the gradients", bytes: bytes) { try exchange.gradients?.finish() }
    return lossSum
  }

  /// What rounding has lost of gradients on their way so far, over all ranks, on rank 0; nil where it is not carried over.
  /// Collective.
  public func settleErrors() throws -> ParameterArena? {
    guard let gradients = exchange.gradients, gradients.carriesErrors else { return nil }
    let errors = ParameterArena(like: replica.parameters)
    try gradients.settleErrors(in: errors)
    return errors
  }

  /// Where a checkpoint's errors are to be read to; nil where none are carried over.
  public func makeErrors() -> ParameterArena? {
    exchange.gradients?.carriesErrors == true ? ParameterArena(like: replica.parameters) : nil
  }

  /// Takes up the root's errors. Collective.
  public func takeErrors(_ errors: ParameterArena) throws {
    try exchange.communicator.broadcast([errors])
    try exchange.gradients?.takeErrors(errors)
  }

  /// One small sum carries the loss, and any rank's wish to stop or to save.
  private func shareSmallSums(
    _ lossSum: Double, _ asked: Requests, _ profile: StepProfile?
  ) throws -> [Double] {
    profile?.layer = Self.ranks
    return try measure(profile, "sum of the losses", bytes: 24) {
      try timed("sum of the losses") {
        try exchange.sum([lossSum, asked.stop ? 1 : 0, asked.checkpoint ? 1 : 0])
      }
    }
  }

  /// A gradient that single precision cannot hold, or not its square, which optimisers take, is not finite where it is used.
  private func problem(lossSum: Double, norm: Double) -> String? {
    func words(_ value: Double) -> String { value.isNaN ? "nan" : "\(value)" }
    if !lossSum.isFinite { return "the loss is \(words(lossSum))" }
    let largest = Double(Float.greatestFiniteMagnitude)
    guard norm <= (clipNorm == nil ? largest.squareRoot() : largest) else {
      return "the norm of the gradient is \(words(norm))"
    }
    return replica.batchStatisticsAreFinite ? nil : "the batch's statistics are not finite"
  }

  /// Runs something that the timeline notes.
  public func timed<Value>(_ name: String, _ body: () throws -> Value) rethrows -> Value {
    guard let timeline else { return try body() }
    return try timeline.measure(name, body)
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
