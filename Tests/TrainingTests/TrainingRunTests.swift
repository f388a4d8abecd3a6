import Checkpointing
import Diagnosis
import Foundation
import MessagePassing
import Testing
import Training

/// Runs write checkpoints, and HDF5 belongs to one thread at a time.
@Suite(.serialized) struct TrainingRunTests {
  @Test func theSameRunTwiceGivesTheSameCheckpointBytes() throws {
    let (first, second) = (TemporaryRun(), TemporaryRun())
    try first.train(smallConfiguration(), ranks: 2)
    try second.train(smallConfiguration(), ranks: 2)
    for name in ["epoch-0001.h5", "epoch-0003.h5", "best.h5"] {
      let bytes = try [first, second].map {
        try Data(contentsOf: URL(fileURLWithPath: $0.folder.checkpoints + "/" + name))
      }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
    let epochs = try ["epoch-0001.h5", "epoch-0002.h5"].map { try first.checkpoint($0).arrays }
    #expect(epochs[0] != epochs[1], "training moves the weights")
  }

  /// Adam's first moments after one step are a tenth of the gradient it was given.
  @Test(arguments: [1, 3]) func clippingScalesTheGradientOfTheGlobalBatchToItsNorm(ranks: Int) throws {
    func gradient(clipNorm: Double?) throws -> (norm: Double, direction: [Double]) {
      let run = TemporaryRun()
      try run.train(
        smallConfiguration {
          $0.batchSize = 64
          $0.epochs = 1
          $0.clipNorm = clipNorm
        }, ranks: ranks)
      let moments = try run.checkpoint("epoch-0001.h5").arrays(in: "first_moments")
      let values = moments.flatMap { $0.array.values.map { Double($0) / 0.1 } }
      let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
      return (norm, values.map { $0 / norm })
    }
    let free = try gradient(clipNorm: nil)
    let clipped = try gradient(clipNorm: free.norm / 8)
    #expect(abs(clipped.norm - free.norm / 8) < 1e-5 * free.norm)
    #expect(zip(free.direction, clipped.direction).allSatisfy { abs($0 - $1) < 1e-5 })
    #expect(abs(try gradient(clipNorm: free.norm * 2).norm - free.norm) < 1e-5 * free.norm, "short enough already")
  }

  /// 37 training songs in batches of 12: four steps an epoch, the last with one song.
  @Test(arguments: [2, 3, 8]) func stepLossesDoNotDependOnTheWorldSize(ranks: Int) throws {
    let configuration = smallConfiguration { $0.epochs = 8 }
    let alone = try TemporaryRun().train(configuration).steps.map(\.loss)
    let shared = try TemporaryRun().train(configuration, ranks: ranks).steps.map(\.loss)
    #expect(alone.count == 32 && shared.count == 32)
    for (one, other) in zip(alone, shared) { #expect(abs(one - other) <= 1e-4 * one) }
    #expect(alone.last! < alone.first!)
  }

  @Test func localBatchNormKeepsReplicasEqualButIsAnotherComputation() throws {
    let local = smallConfiguration { $0.batchNorm = .local }
    // Replicas are compared at every checkpoint: a difference would throw.
    let losses = try TemporaryRun().train(local, ranks: 3).steps.map(\.loss)
    let others = try TemporaryRun().train(smallConfiguration(), ranks: 3).steps.map(\.loss)
    #expect(zip(losses, others).contains { abs($0 - $1) > 1e-4 * $0 })
  }

  @Test(arguments: [1, 3]) func localShuffleTakesTheSameNumberOfStepsOnEveryRank(ranks: Int) throws {
    let steps = try TemporaryRun().train(smallConfiguration { $0.shuffle = .local }, ranks: ranks).steps
    #expect(steps.count == 12)
    #expect(steps.map(\.position).prefix(4) == [12, 24, 36, 37])
  }

  @Test(arguments: [1, 2]) func aStopInMidEpochAndAResumeEndLikeAnUndisturbedRun(ranks: Int) throws {
    let (whole, parts) = (TemporaryRun(), TemporaryRun())
    let configuration = smallConfiguration { $0.logEvery = 1 }
    try whole.train(configuration, ranks: ranks)
    let failure = #expect(throws: Failure.self) { try parts.train(configuration, ranks: ranks, stopAfter: 6) }
    #expect(failure?.kind == .interrupted)
    #expect(failure?.description.contains("--resume") == true)
    #expect(try parts.folder.checkpointNames.contains("step-00000005.h5"))
    try parts.train(configuration, ranks: ranks, resume: true)
    for name in ["epoch-0002.h5", "epoch-0003.h5", "best.h5"] {
      let bytes = try [whole, parts].map {
        try Data(contentsOf: URL(fileURLWithPath: $0.folder.checkpoints + "/" + name))
      }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
    let steps = try parts.metrics.filter { $0["event"] as? String == "step" }.compactMap { $0["step"] as? Int }
    #expect(steps == Array(1...12))
    #expect(try parts.metrics.contains { $0["event"] as? String == "resume" })
  }

  /// What a kill leaves: an older checkpoint, and metrics that went on without it.
  @Test func aResumeFromAnOlderCheckpointRepeatsWhatCameAfter() throws {
    let (whole, parts) = (TemporaryRun(), TemporaryRun())
    let configuration = smallConfiguration {
      $0.logEvery = 1
      $0.checkpointEvery = .steps(3)
    }
    try whole.train(configuration, ranks: 2)
    try parts.train(configuration, ranks: 2)
    let names = try parts.folder.checkpointNames
    #expect(names.contains("step-00000009.h5"))
    for name in names where name != "step-00000009.h5" {
      try FileManager.default.removeItem(atPath: parts.folder.checkpoints + "/" + name)
    }
    try parts.train(configuration, ranks: 2, resume: true)
    #expect(try parts.checkpoint("epoch-0003.h5").arrays == whole.checkpoint("epoch-0003.h5").arrays)
    let steps = try parts.metrics.filter { $0["event"] as? String == "step" }.compactMap { $0["step"] as? Int }
    #expect(steps == Array(1...12), "lines after the checkpoint were replaced")
    let epochs = try parts.metrics.filter { $0["event"] as? String == "epoch" }.compactMap { $0["epoch"] as? Int }
    #expect(epochs == [1, 2, 3])
  }

  /// Stopped after an epoch's last step, before its metrics: the next start takes no step of it.
  @Test func theSpeedOfAnEpochWithoutAStepIsNotKnown() throws {
    let run = TemporaryRun()
    #expect(throws: Failure.self) { try run.train(smallConfiguration(), stopAfter: 4) }
    let listener = try run.train(smallConfiguration(), resume: true)
    #expect(listener.steps.first?.step == 5)
    #expect(listener.epochs.map { $0.songsPerSecond == nil } == [true, false, false])
    let epochs = try run.metrics.filter { $0["event"] as? String == "epoch" }
    #expect(epochs.map { $0["songs_per_second"] is NSNull } == [true, false, false])
  }

  @Test func theBestCheckpointIsASecondNameOfItsEpochs() throws {
    let run = TemporaryRun()
    let configuration = smallConfiguration { $0.keepCheckpoints = 1 }
    let listener = try run.train(configuration)
    let best = try #require(listener.epochs.last { $0.isBest }).metrics.epoch
    let names = try run.folder.checkpointNames
    #expect(names == ["best.h5", "epoch-0003.h5"])
    // The state after the best epoch, also where its other name is gone.
    #expect(try run.checkpoint("best.h5").integers["epoch"] == best)
    let (all, everyOther) = (TemporaryRun(), TemporaryRun())
    try all.train(smallConfiguration())
    #expect(try file(of: all, "best.h5") == file(of: all, "epoch-000\(best).h5"))
    // Written by itself where the epoch has no other checkpoint.
    try everyOther.train(smallConfiguration { $0.checkpointEvery = .epochs(best == 2 ? 3 : 2) })
    #expect(try everyOther.checkpoint("best.h5").arrays == all.checkpoint("best.h5").arrays)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: all.folder.checkpoints).sorted() == [
        "best.h5", "epoch-0001.h5", "epoch-0002.h5", "epoch-0003.h5",
      ])
  }

  /// Which file a name is of.
  private func file(of run: TemporaryRun, _ name: String) throws -> Int? {
    let attributes = try FileManager.default.attributesOfItem(atPath: run.folder.checkpoints + "/" + name)
    return attributes[.systemFileNumber] as? Int
  }

  @Test func aResumeGoesOnAtAnotherWorldSize() throws {
    let parts = TemporaryRun()
    #expect(throws: Failure.self) { try parts.train(smallConfiguration(), ranks: 3, stopAfter: 6) }
    let listener = try parts.train(smallConfiguration(), ranks: 2, resume: true)
    #expect(listener.steps.map(\.step) == Array(6...12), "each song once an epoch, whatever the ranks")
    #expect(listener.steps.map(\.position).prefix(4) == [24, 36, 37, 12])
  }

  @Test func aResumeStartsAfreshWhereThereIsNoCheckpoint() throws {
    let run = TemporaryRun()
    #expect(try run.train(smallConfiguration(), resume: true).steps.first?.step == 1)
    #expect(try run.train(smallConfiguration(), resume: true).steps.isEmpty, "nothing is left to do")
    #expect(
      try run.train(smallConfiguration { $0.epochs = 4 }, resume: true).steps.map(\.step) == [13, 14, 15, 16])
  }

  @Test func aFolderWithCheckpointsIsNotOverwritten() throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    let failure = #expect(throws: Failure.self) { try run.train(smallConfiguration()) }
    #expect(failure?.kind == .usage)
    #expect(failure?.description.contains("--resume") == true)
  }

  @Test func aCheckpointOfAnotherRunIsRefusedNamingTheDifference() throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    func resumed(_ words: [String], songs: Int = 49, _ change: (inout RunConfiguration) -> Void = { _ in }) {
      let failure = #expect(throws: Failure.self) {
        try run.train(smallConfiguration(change), songCount: songs, resume: true)
      }
      #expect(failure?.kind == .badData)
      for word in words { #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")") }
    }
    resumed(["filters", "[4, 5, 3]", "[4, 5, 4]"]) { $0.filters = [4, 5, 4] }
    resumed(["seed", "5", "6"]) { $0.seed = 6 }
    resumed(["split", "random:0.8"]) { $0.split = "random:0.8" }
    resumed(["songs"], songs: 50)
  }

  /// A checksum says that the bytes are those that were written, not that they make sense: whoever can write a file can
  /// write its checksum.
  @Test(
    arguments: ["epoch", "step", "position", "best_epoch", "optimizer_steps"], [-1, Int.min, Int.max])
  func aCounterOutOfRangeIsRefusedByName(_ name: String, _ value: Int) throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    var checkpoint = try run.checkpoint("epoch-0001.h5")
    checkpoint.integers[name] = value
    try run.keepOnly(checkpoint)
    for ranks in [1, 3] {
      let failure = #expect(throws: Failure.self) {
        try run.train(smallConfiguration(), ranks: ranks, resume: true)
      }
      #expect(failure?.kind == .badData, "\(failure?.description ?? "")")
      #expect(failure?.message.contains("\(name) is \(value)") == true, "\(failure?.description ?? "")")
    }
  }

  @Test(arguments: [
    ("loss_sum", Double.nan), ("loss_sum", -Double.infinity), ("best_validation_auc", 1.5),
    ("best_validation_auc", -1),
  ])
  func aNumberThatCannotBeIsRefusedByName(_ name: String, _ value: Double) throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    var checkpoint = try run.checkpoint("epoch-0001.h5")
    checkpoint.numbers[name] = value
    try run.keepOnly(checkpoint)
    let failure = #expect(throws: Failure.self) { try run.train(smallConfiguration(), resume: true) }
    #expect(failure?.kind == .badData && failure?.message.contains(name) == true, "\(failure?.description ?? "")")
  }

  @Test(arguments: [
    "weights/tags/bias", "moving_statistics/normalization_1/moving_mean", "first_moments/tags/bias",
  ])
  func anArrayThatHoldsNoNumberIsRefusedByName(_ path: String) throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    var checkpoint = try run.checkpoint("epoch-0001.h5")
    checkpoint.arrays[path]!.values[1] = .nan
    try run.keepOnly(checkpoint)
    let failure = #expect(throws: Failure.self) { try run.train(smallConfiguration(), resume: true) }
    #expect(failure?.kind == .badData && failure?.message.contains("\(path): value 1 is nan") == true)
  }

  @Test func aBatchSmallerThanTheWorldIsRefused() throws {
    let failure = #expect(throws: Failure.self) {
      try TemporaryRun().train(smallConfiguration { $0.batchSize = 2 }, ranks: 3)
    }
    #expect(failure?.kind == .usage)
    #expect(failure?.description.contains("world size, 3") == true)
  }

  @Test func otherSegmentsThanTheDataHaveAreRefused() throws {
    let failure = #expect(throws: Failure.self) {
      try TemporaryRun().train(smallConfiguration { $0.segments = 36 }, ranks: 2)
    }
    #expect(failure?.kind == .badData)
    #expect(failure?.description.contains("24") == true && failure?.description.contains("36") == true)
  }

  @Test func evaluationGivesTheSameBitsForAnyWorldSizeAndThoseOfTheRun() throws {
    let run = TemporaryRun()
    let listener = try run.train(smallConfiguration(), ranks: 2)
    let path = run.folder.checkpoints + "/epoch-0003.h5"
    let reports = try [1, 2, 5].map { ranks in
      try InProcessCommunicator.run(size: ranks) { communicator in
        try Evaluation(checkpoint: path).run(on: songs(49), communicator).metrics
      }.last!
    }
    #expect(reports[0] == reports[1] && reports[1] == reports[2])
    #expect(listener.epochs.last?.metrics.validationAUCMacro == reports[0].macroROCAUC)
    #expect(listener.epochs.last?.metrics.validationLoss == reports[0].loss)
  }

  @Test func evaluationRefusesOtherSongsUnlessTold() throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    var evaluation = Evaluation(checkpoint: run.folder.best)
    let judge = { [run] (evaluation: Evaluation) in
      _ = run
      return try InProcessCommunicator.run(size: 1) { try evaluation.run(on: songs(60), $0).songs }[0]
    }
    let failure = #expect(throws: Failure.self) { try judge(evaluation) }
    #expect(failure?.kind == .badData)
    #expect(failure?.description.contains("--allow-other-data") == true)
    evaluation.allowsOtherData = true
    evaluation.songs = .all
    #expect(try judge(evaluation) == 60)
  }

  /// Whichever way songs are kept and exchanged between ranks, the network sees the same numbers.
  @Test(arguments: [1, 3]) func pitchesInSixteenBitsTrainLikeTheFloatsTheyStandFor(ranks: Int) throws {
    let runs = try [true, false].map { isPacked in
      let run = TemporaryRun()
      try run.train(smallConfiguration { $0.epochs = 1 }, ranks: ranks) {
        ThousandthSongs(songs($0), isPacked: isPacked)
      }
      return try run.checkpoint("epoch-0001.h5").arrays
    }
    #expect(runs[0] == runs[1])
  }

  @Test func permutedTagsAreTheSameRowsOnOtherSongs() throws {
    let source = songs(200)
    let sides = try SongSides(source, split: "random:0.75", permuteTags: true, seed: 5)
    #expect(sides.labels != source.labels)
    func rows(_ labels: [UInt8]) -> [[UInt8]] {
      stride(from: 0, to: labels.count, by: 3).map { Array(labels[$0..<$0 + 3]) }
        .sorted { $0.lexicographicallyPrecedes($1) }
    }
    #expect(rows(sides.labels) == rows(source.labels))
  }

  @Test func aSmallNetworkLearnsWhatTheSongsShow() throws {
    let configuration = smallConfiguration {
      $0.epochs = 25
      $0.learningRate = 0.01
    }
    let epochs = try TemporaryRun().train(configuration, songCount: 120).epochs
    #expect(epochs.last!.metrics.trainLoss! < epochs.first!.metrics.trainLoss!)
    #expect(epochs.last!.metrics.trainAUC! > 0.65, "one tag of three can be learnt")
  }
}
