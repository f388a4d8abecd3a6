import DataParallel
import Diagnosis
import Foundation
import Kernels
import MessagePassing
import Metrics
import Networks
import Sampling

/// The loop: epochs of steps, metrics after each epoch, checkpoints, stops in good order.
///
/// Every decision (to stop, to save, which is best) is the same on all ranks: it follows from numbers that all
/// of them have.
final class Trainer {
  let configuration: RunConfiguration
  let sides: SongSides
  let communicator: any Communicator
  let replica: Replica
  var progress: RunProgress
  let recorders: RecorderGroup
  private let saver: CheckpointSaver
  private let supply: BatchSupply
  /// Segments that the network sees of each training song; nil where all are equally long.
  private let trainLengths: [Int]?
  private let evaluator: Evaluator
  private let step: TrainingStep
  /// This rank's, of the epoch.
  private var times = StepTimes()
  private let hosts: [String]
  private let timeline: RunTimeline?
  private let trainSample: [Int]
  private var ownTrainSample: [Int] = []
  /// Goes over to an epoch's songs.
  private let turn: (_ epoch: Int) throws -> [Int]
  private let ownValidation: [Int]
  /// Asked where a step ends.
  private let stopRequested: () -> Bool

  init(
    _ setup: TrainingSetup, progress: RunProgress, saver: CheckpointSaver, recorders: RecorderGroup,
    timeline: RunTimeline?, stopRequested: @escaping () -> Bool
  ) throws {
    configuration = setup.configuration
    sides = setup.sides
    communicator = setup.communicator
    replica = setup.replica
    self.progress = progress
    self.saver = saver
    self.recorders = recorders
    self.stopRequested = stopRequested
    supply = setup.supply
    let input = setup.input
    let lengths = setup.source.segmentCounts.map { input.length(of: $0) }
    trainLengths = input.segments == .all ? setup.sides.split.train.map { lengths[$0] } : nil
    evaluator = Evaluator(setup.replica, setup.sides, setup.supply, lengths: lengths, setup.communicator)
    step = setup.step
    self.timeline = timeline
    hosts = try communicator.allgather(communicator.hostName)
    trainSample = setup.trainSample
    turn = setup.turn
    ownValidation = setup.ownValidation
  }

  /// Trains to the last epoch. Throws `interrupted` after a stop was asked for and a checkpoint written.
  func run() throws {
    // A kill between an epoch's checkpoint and the best one leaves the latter behind.
    if progress.position == 0, let best = progress.bestEpoch, best == progress.epoch - 1 {
      try save([saver.folder.best])
    }
    while progress.epoch <= configuration.epochs, !progress.isStale(after: configuration.earlyStop) {
      let clock = EpochClock()
      try trainEpoch(clock)
      try endEpoch(clock)
    }
    try settle()
    if let patience = configuration.earlyStop, progress.isStale(after: patience) {
      record(
        .note("ends early: no better epoch than \(progress.bestEpoch ?? 0) for \(counted(patience, "epoch"))"))
    }
    record(.finished(progress))
  }

  // MARK: An epoch

  /// The steps that are left of the epoch.
  private func trainEpoch(_ clock: EpochClock) throws {
    let songs = sides.split.train
    ownTrainSample = try turn(progress.epoch)
    let order = order(of: songs)
    let batches = GlobalBatches(count: songs.count, batchSize: configuration.batchSize, from: progress.position)
    supply.begin(
      batches.flatMap(configuration.parts).map { part in
        order.songs(in: part, of: communicator.rank).map { songs[$0] }
      }, epoch: progress.epoch)
    for batch in batches {
      let after = try take(batch)
      clock.count(batch.count)
      progress.position = batch.upperBound
      try count(after, songs: batch.count)
      let loss = after.lossSum / Double(batch.count)
      record(
        .step(
          StepReport(
            epoch: progress.epoch, epochs: configuration.epochs, step: progress.step, loss: loss,
            position: progress.position, songs: songs.count, trainedSongs: clock.songs, seconds: clock.seconds)))
      if configuration.logEvery > 0, progress.step % configuration.logEvery == 0 {
        progress.loggedLosses.append(LoggedLoss(epoch: progress.epoch, step: progress.step, loss: loss))
      }
      tellHistograms()
      try tellOfFiles()
      if after.requests.stop {
        try stop()
      } else if after.requests.checkpoint {
        try clock.pausing { try save([saver.folder.checkpoint(step: progress.step)]) }
      }
    }
  }

  private func order(of songs: [Int]) -> EpochOrder {
    guard let trainLengths else {
      return EpochOrder(
        seed: configuration.seed, epoch: progress.epoch, count: songs.count, shuffle: configuration.shuffle,
        ranks: communicator.size)
    }
    return EpochOrder(
      seed: configuration.seed, epoch: progress.epoch, lengths: trainLengths, batchSize: configuration.batchSize,
      shuffle: configuration.shuffle, ranks: communicator.size)
  }

  /// One step of all ranks, this one's songs coming from the supply.
  private func take(_ batch: Range<Int>) throws -> TrainingStep.Result {
    progress.step += 1
    let start = StepProfile.now()
    var reading = 0.0
    let context = StepContext(
      seed: configuration.seed, step: UInt32(truncatingIfNeeded: progress.step), globalSongs: batch.count)
    let result = try step.take(context, parts: configuration.parts(of: batch).map(\.count)) {
      TrainingStep.Requests(stop: stopRequested(), checkpoint: saver.isDue(afterStep: progress.step))
    } _: {
      let start = StepProfile.now()
      defer { reading += StepProfile.now() - start }
      return try step.timed("read") { try supply.next() }
    }
    times.add(result, total: StepProfile.now() - start, reading: reading)
    try timeline?.ended(step)
    return result
  }

  /// Counts a step, or ends the run where it was not finite and is not to be skipped. Every rank has the same sums.
  private func count(_ step: TrainingStep.Result, songs: Int) throws {
    guard let problem = step.problem else {
      progress.lossSum += step.lossSum
      progress.skipped.inARow = 0
      return
    }
    guard case .skip(let most) = configuration.onNaN ?? .stop, progress.skipped.inARow < most else {
      let skipped = progress.skipped.inARow
      throw Failure(
        .usage,
        "training diverged: \(problem) of step \(progress.step)"
          + (skipped > 0 ? ", after \(skipped) skipped steps in a row" : "") + "; \(saver.lastGoodInWords)",
        remedy:
          "try a lower --learning-rate, --clip-norm, or --on-nan skip; --resume goes on from the last checkpoint"
      ).knownToAllRanks
    }
    progress.skipped.inARow += 1
    progress.skipped.ofEpoch += 1
    progress.skipped.songsOfEpoch += songs
    record(.warning("step \(progress.step) is skipped: \(problem) (\(progress.skipped.inARow) in a row)"))
  }

  /// Metrics, the epoch's line, its checkpoints.
  private func endEpoch(_ clock: EpochClock) throws {
    let speed = clock.songsPerSecond
    let times = EpochTimes(try communicator.allgather(self.times), hosts: hosts)
    self.times = StepTimes()
    record(.evaluating(songs: sides.split.validation.count + trainSample.count))
    let predictions =
      sides.split.validation.isEmpty
      ? nil : try evaluator.predictions(of: sides.split.validation, own: ownValidation)
    let validation = sides.split.validation.isEmpty ? nil : try evaluator.metrics(of: predictions)
    progress.thresholds = validation == nil ? [] : try evaluator.thresholds(of: predictions)
    let training = try evaluator.metrics(of: trainSample, own: ownTrainSample)
    let metrics = EpochMetrics(
      epoch: progress.epoch, step: progress.step, trainLoss: finite(progress.meanLoss),
      trainAUC: training?.macroROCAUC, validationLoss: finite(validation?.loss),
      validationAUCMacro: validation?.macroROCAUC,
      validationAUCMicro: validation?.microROCAUC, validationPRAUCMacro: validation?.macroAveragePrecision,
      validationAUCKeras: validation?.kerasAUC, undefinedTags: validation?.undefinedTags ?? sides.tagCount,
      skippedSteps: progress.skipped.ofEpoch > 0 ? progress.skipped.ofEpoch : nil)
    let isBest = (configuration.monitor ?? .macroAUC).isBest(
      metrics, after: progress.history, bestEpoch: progress.bestEpoch)
    if isBest {
      progress.bestAUC = metrics.validationAUCMacro
      progress.bestEpoch = progress.epoch
    }
    progress.history.append(metrics)
    record(
      .epoch(
        EpochReport(
          metrics: metrics, epochs: configuration.epochs, worldSize: communicator.size, songsPerSecond: speed,
          epochSeconds: clock.secondsWithPauses, times: times, isBest: isBest,
          curves: isBest ? curves(of: predictions) : [])))
    let finished = progress.epoch
    progress.beginNextEpoch()
    let stop = try communicator.allreduce(stopRequested() ? 1 : 0, .maximum) > 0 && finished < configuration.epochs
    let path = saver.folder.checkpoint(epoch: finished)
    let paths = (stop || saver.isDue(afterEpoch: finished) ? [path] : []) + (isBest ? [saver.folder.best] : [])
    if !paths.isEmpty { try save(paths) }
    if stop {
      try settle()
      throw interruption(path)
    }
  }

  /// Neither JSON nor a plot can say infinity: a tag that was called impossible and was there makes the loss so.
  private func finite(_ value: Double?) -> Double? { value.flatMap { $0.isFinite ? $0 : nil } }

  // MARK: Stopping and saving

  private func stop() throws {
    let path = saver.folder.checkpoint(step: progress.step)
    try save([path])
    try settle()
    throw interruption(path)
  }

  /// Returns when all that the run has made is on the disk. Collective; throws on all ranks alike where it is not.
  private func settle() throws {
    // What is told of files comes before the failure that ends the run because of them.
    let settled = Result { try saver.settle() }
    try tellOfFiles()
    try settled.get()
    try timeline?.write(step)
    try communicator.agree { try recorders.check() }
  }

  private func interruption(_ path: String) -> Failure {
    Failure(
      .interrupted, "stopped by a signal after step \(progress.step); wrote \(path)",
      remedy: "run the same line again with --resume to go on"
    ).knownToAllRanks
  }

  private func save(_ paths: [String]) throws {
    try saver.save(paths, step, progress)
    try tellOfFiles()
  }

  /// Tells what has become of checkpoints meanwhile.
  private func tellOfFiles() throws {
    for event in try saver.takeEvents() { record(event) }
  }

  private func record(_ event: RunEvent) { recorders.record(event) }
}

/// Time spent in an epoch since this start of the program, pauses for checkpoints apart.
private final class EpochClock {
  private let start = ContinuousClock.now
  private var paused = Duration.zero
  private(set) var songs = 0
  private var lastStep = ContinuousClock.now

  func count(_ songs: Int) {
    self.songs += songs
    lastStep = ContinuousClock.now
  }

  func pausing(_ body: () throws -> Void) rethrows {
    paused += try ContinuousClock().measure(body)
  }

  /// Training alone, to the last step.
  var seconds: Double { (start.duration(to: lastStep) - paused).seconds }
  var secondsWithPauses: Double { start.duration(to: .now).seconds }
  /// Nil where no step was taken: the run was resumed where its epoch's steps were done.
  var songsPerSecond: Double? { songs > 0 && seconds > 0 ? Double(songs) / seconds : nil }
}

extension Duration {
  var seconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}
