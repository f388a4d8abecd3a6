import Checkpointing
import DataParallel
import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import Networks
import Segments
import Stopping

/// A run from its configuration to its last checkpoint, on all ranks.
public struct TrainingRun {
  public var configuration: RunConfiguration
  public var folder: RunFolder
  /// Go on from the newest good checkpoint in the folder, or start afresh where there is none.
  public var resume: Bool
  /// Listens on rank 0, beside the recorders that write the run's files.
  public var recorders: [any RunRecorder] = []
  /// Where the first steps are to be shown, as a file; nil: nowhere.
  public var timeline: String?
  /// Asked where a step ends: true on any rank stops all of them.
  public var stopRequested: () -> Bool = { StopSignal.isRequested }
  /// Called when the first step is about to be taken: from here on there is something to save.
  public var willTrain: () -> Void = {}
  /// Rank 0's right to write in the folder; given up when the training ends, or this value goes.
  private var claim: WriterClaim?

  public init(_ configuration: RunConfiguration, folder: RunFolder, resume: Bool) {
    self.configuration = configuration
    self.folder = folder
    self.resume = resume
  }

  /// Makes the folder and claims it, or refuses one in which another job writes, that holds another run, or what is no
  /// run's. Collective; comes before anything is read.
  public mutating func claimFolder(_ communicator: any Communicator) throws {
    let inputs = [
      configuration.data, configuration.msd, configuration.lastfm, configuration.tags, configuration.from,
    ].compactMap { $0 }
    claim = try communicator.agree {
      guard communicator.isRoot else { return nil }
      let tell = { (words: String) in for recorder in recorders { try? recorder.record(.note(words)) } }
      try WriterClaim.refuseOthers(in: folder.path, note: tell)
      if let timeline { try RunTimeline.claim(timeline, inputs: inputs) }
      try folder.claim(inputs: inputs, makesSnapshot: configuration.data == nil, resume: resume)
      try folder.create()
      let claim = try WriterClaim.take(folder.path, note: tell)
      for folder in [folder.path, folder.checkpoints, folder.tensorBoard, folder.tensorBoardDetails] {
        FileWriter.removeAllUnfinished(in: folder)
      }
      return claim
    }
  }

  /// Trains. Collective. Throws `interrupted` (75) where a signal stopped it.
  public func train(on source: any SongSource, _ communicator: any Communicator) throws {
    defer { claim?.release() }
    let setup = try TrainingSetup(
      configuration, source, communicator, scales: try knownScales(communicator))
    let content = RunCheckpoint(
      configuration: setup.configuration, architecture: setup.architecture, input: setup.input, tags: source.tags,
      auxiliary: setup.auxiliary,
      dataIdentity: setup.source.identity, splitIdentity: setup.sides.identity,
      trainSongs: setup.sides.split.train.count,
      trained: TrainedSongs((communicator.isRoot ? setup.sides.split.train : []).map { setup.source.trackIDs[$0] })
    )
    let errors = setup.step.makeErrors()
    let start = try begin(setup, content, errors)
    try communicator.broadcast(setup.replica, optimizer: setup.step.optimizer)
    if let errors { try setup.step.takeErrors(errors) }

    let summary = try setup.summary(start.progress)
    let recorders = RecorderGroup(
      communicator.isRoot ? self.recorders + fileRecorders(setup.configuration) : [])
    try communicator.agree {
      guard communicator.isRoot else { return }
      try replaceFile(folder.configuration, with: setup.configuration.located.yaml)
      let event = start.checkpoint.map { RunEvent.resumed(summary, from: $0) } ?? .started(summary)
      recorders.record(event)
      for note in start.notes { recorders.record(.note(note)) }
      for warning in start.warnings + warnings(summary, setup) { recorders.record(.warning(warning)) }
      try recorders.check()
    }
    let saver = CheckpointSaver(
      folder, setup.configuration, content, claim: claim, newestGood: start.checkpoint, communicator)
    defer { saver.finish() }
    let timeline = try timeline.map { try RunTimeline($0, communicator, setup.step) }
    let trainer = try Trainer(
      setup, progress: start.progress, saver: saver, recorders: recorders, timeline: timeline,
      stopRequested: stopRequested)
    willTrain()
    UnfinishedFiles.keepFolders()
    try trainer.run()
  }

  /// Gives the folder up after a failure: what of it was made and holds nothing goes away.
  public func abandon() {
    claim?.release()
    UnfinishedFiles.removeEmptyFolders()
  }

  private func fileRecorders(_ configuration: RunConfiguration) -> [any RunRecorder] {
    [
      MetricsFile(path: folder.metrics, logEvery: configuration.logEvery),
      TensorBoardRecorder(folder: folder.tensorBoard, logEvery: configuration.logEvery),
    ]
  }

  // MARK: Where to begin

  /// Where a start of the program begins, as rank 0 found it.
  private struct Start: Codable {
    var progress = RunProgress()
    /// The file it goes on from; nil: afresh.
    var checkpoint: String?
    var notes: [String] = []
    var warnings: [String] = []

    /// A start afresh, with the weights of a checkpoint where one is named.
    func beginning(with checkpoint: String?, _ setup: TrainingSetup) throws -> Start {
      guard let checkpoint else { return self }
      var start = self
      start.notes.append(try StartingPoint(checkpoint).copy(to: setup))
      return start
    }
  }

  /// What values are scaled by in the weights that the run begins or goes on with. Collective.
  private func knownScales(_ communicator: any Communicator) throws -> InputScales? {
    guard let path = configuration.from else { return nil }
    return try communicator.broadcast {
      // A run that goes on has it in its own checkpoints: the first one may be gone.
      let newest = resume ? try Checkpoint.newestGood(in: folder.checkpoints).newest : nil
      return try (newest.map { try StoredModel($0) } ?? StoredModel.read(path)).input().scales
    }
  }

  /// Rank 0 looks for a checkpoint and takes its state over. Damaged ones are set aside once it is known how the run
  /// goes on: a run that is refused leaves everything as it was.
  private func begin(
    _ setup: TrainingSetup, _ content: RunCheckpoint, _ errors: ParameterArena?
  ) throws -> Start {
    try setup.communicator.broadcast {
      var start = Start()
      guard resume else { return try start.beginning(with: configuration.from, setup) }
      let search = try Checkpoint.newestGood(in: folder.checkpoints)
      guard let newest = search.newest else {
        start.warnings = try folder.setAside(search.skipped)
        let kind = search.skipped.isEmpty ? "checkpoint" : "good checkpoint"
        start.notes = ["no \(kind) in \(folder.checkpoints): the run starts at its beginning"]
        return try start.beginning(with: configuration.from, setup)
      }
      start.progress = try content.restore(newest, to: setup.replica, setup.step.optimizer, errors)
      start.checkpoint = newest.source
      start.warnings = try folder.setAside(search.skipped) + content.changes(since: newest)
      return start
    }
  }

  private func warnings(_ summary: RunSummary, _ setup: TrainingSetup) -> [String] {
    var warnings = setup.sides.warnings
    let fair = setup.threadPlan.threads
    if setup.threads > fair {
      warnings.append(
        "--threads \(setup.threads) is more than rank 0's fair share of its node's processors, \(fair): expect it "
          + "slower")
    } else if configuration.threads == nil, let advice = setup.threadPlan.advice {
      warnings.append(advice)
    }
    if let advice = setup.step.exchange.advice { warnings.append(advice) }
    if summary.tooShortSongs > 0 {
      let least = setup.input.segments.count ?? setup.replica.network.shortestSong
      warnings.append("left out \(counted(summary.tooShortSongs, "song")) with fewer than \(least) segments")
    }
    if summary.validationSongs == 0 {
      warnings.append("no song is left for validation: there will be no metrics and no best.h5")
    }
    if configuration.model == .choi2016, summary.configuration.model != .choi2016 {
      warnings.append(
        "the model choi2016 takes spectrograms; on segments the name goes on to mean choi2016-12, as this network is "
          + "called now")
    }
    if let targets = summary.configuration.auxiliary {
      for part in targets.parts where !setup.auxiliary.contains(where: part.source.has) {
        warnings.append(
          "\(setup.source.name): has no \(part.source.rawValue) of its training songs: they are not learnt; prepare it with "
            + "--auxiliary \(targets.sources.rawValue) to learn them")
      }
    }
    if summary.configuration.permuteTags {
      warnings.append("tags are dealt out at random among the songs (--permute-tags): nothing can be learnt")
    }
    return warnings
  }
}
