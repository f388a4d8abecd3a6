import DataParallel
import Diagnosis
import MessagePassing
import Networks
import Sampling

// How a run learns: what the configuration comes to as an optimiser, a schedule and a step.

extension RunConfiguration {
  /// The optimiser's type; Adam where nothing is said.
  var optimizerType: any Optimizer.Type { optimizer.flatMap(Optimizers.named) ?? Adam.self }

  /// - Throws: `fault` where the system refuses the memory.
  func makeOptimizer(for parameters: ParameterArena) throws -> any Optimizer {
    try optimizerType.taking(optimizerSettings, for: parameters)
  }

  var optimizerSettings: OptimizerSettings { OptimizerSettings(momentum: momentum, weightDecay: weightDecay) }

  /// The learning rate of every step.
  /// - Parameter stepsPerEpoch: counted over the training songs.
  func learningRateSchedule(stepsPerEpoch: Int) -> LearningRateSchedule {
    LearningRateSchedule(
      schedule ?? .constant, peak: learningRate, steps: stepsPerEpoch * epochs, warmUpSteps: warmUpSteps ?? 0,
      final: finalLearningRate ?? 0, decaySteps: (decayEvery ?? Self.defaultDecayEvery) * stepsPerEpoch,
      decayFactor: decayFactor ?? Self.defaultDecayFactor)
  }

  static let defaultDecayEvery = 30
  static let defaultDecayFactor = 0.1

  /// The step of all ranks.
  func makeStep(
    _ replica: Replica, _ optimizer: any Optimizer, stepsPerEpoch: Int, _ exchange: ReplicaExchange
  ) -> TrainingStep {
    if let batchNormMomentum { replica.batchNormMomentum = Float(batchNormMomentum) }
    return TrainingStep(
      replica, optimizer, learningRateSchedule(stepsPerEpoch: stepsPerEpoch), exchange,
      batchNormIsShared: batchNorm == .sync, clipNorm: clipNorm, accumulates: parts > 1)
  }

  /// What the replicas of a network exchange. Collective.
  func makeExchange(_ network: Network, _ communicator: any Communicator) throws -> ReplicaExchange {
    try ReplicaExchange(communicator, network, exchangeOptions)
  }

  var exchangeOptions: ReplicaExchange.Options {
    ReplicaExchange.Options(format: gradientCompression, overlaps: overlap)
  }

  /// Parts of a batch.
  var parts: Int { accumulate ?? 1 }

  /// The parts of a batch, as equal as can be; none of them is empty.
  func parts(of batch: Range<Int>) -> [Range<Int>] {
    (0..<parts).map { share(of: batch, rank: $0, size: parts) }.filter { !$0.isEmpty }
  }

  /// The most songs of a batch that a rank has at once.
  func largestShare(ranks: Int) -> Int {
    Sampling.largestShare(ofBatch: Sampling.largestShare(ofBatch: batchSize, size: parts), size: ranks)
  }

  /// Refuses settings that the optimiser or the schedule has no use for: they would say something that is not so.
  func validateLearning() throws {
    if parts > batchSize {
      throw Failure(
        .usage,
        "accumulate is \(parts), more than the batch_size, \(batchSize): there would be parts without songs")
    }
    if auxiliaryWeight != nil, auxiliary == nil {
      throw Failure(.usage, "auxiliary_weight is of no use without auxiliary", remedy: "such as artist-terms:150")
    }
    let given: [(OptimizerSettings.Field, Bool)] = [
      (.momentum, momentum != nil), (.weightDecay, weightDecay != nil),
    ]
    for (field, isGiven) in given where isGiven && !optimizerType.settings.contains(field) {
      let takers = Optimizers.all.filter { $0.settings.contains(field) }.map { $0.name }
      throw Failure(
        .usage, "\(field.rawValue) is of no use with the optimizer \(optimizerType.name)",
        remedy: "it goes with \(takers.joined(separator: " and "))")
    }
    let form = schedule ?? .constant
    let settings: [(String, Bool, LearningRateSchedule.Form)] = [
      ("final_learning_rate", finalLearningRate != nil, .cosine), ("decay_every", decayEvery != nil, .step),
      ("decay_factor", decayFactor != nil, .step),
    ]
    for (name, isGiven, taker) in settings where isGiven && form != taker {
      throw Failure(
        .usage, "\(name) is of no use with the schedule \(form.rawValue)", remedy: "it goes with \(taker.rawValue)"
      )
    }
    if form == .oneCycle, warmUpSteps != nil {
      throw Failure(.usage, "warm_up_steps is of no use with the schedule one-cycle, which rises by itself")
    }
    if let finalLearningRate, finalLearningRate > learningRate {
      throw Failure(
        .usage, "final_learning_rate is \(finalLearningRate), expected at most the learning_rate, \(learningRate)")
    }
  }
}
