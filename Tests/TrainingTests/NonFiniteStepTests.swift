import Checkpointing
import Diagnosis
import Foundation
import Segments
import Testing
import Texts
import Training

/// Songs of which one has a value that is no number.
private func spoiltSongs(_ count: Int, at song: Int) -> InMemorySongs {
  let good = songs(count)
  var values = good.values(of: .pitches, songs: 0..<count).floats
  values[song * 24 * 12 + 5] = .nan
  return InMemorySongs(
    segments: 24, tags: good.tags, trackIDs: (0..<count).map { "TR\($0)" },
    artistIDs: (0..<count).map { "AR\($0 / 2)" }, labels: good.labels, features: values)
}

extension TrainingRunTests {
  /// A song on the training side, and which of the four steps of an epoch it is in changes from epoch to epoch.
  private static let spoilt = 1

  private func train(
    _ run: TemporaryRun, _ rule: String?, ranks: Int = 1, resume: Bool = false, stopAfter: Int? = nil
  ) throws -> Listener {
    let configuration = smallConfiguration {
      $0.onNaN = rule.flatMap { NonFiniteRule($0) }
      $0.logEvery = 1
      $0.trainAUCSongs = 0
    }
    return try run.train(configuration, ranks: ranks, resume: resume, stopAfter: stopAfter) {
      spoiltSongs($0, at: Self.spoilt)
    }
  }

  @Test(arguments: [1, 3]) func aLossThatIsNoNumberEndsTheRunAndTheLastGoodCheckpointIsNamed(ranks: Int) throws {
    let run = TemporaryRun()
    let failure = try #require(throws: Failure.self) { try train(run, nil, ranks: ranks) }
    #expect(failure.kind == .usage && failure.isAgreed)
    #expect(failure.message.contains("the loss is nan of step"), "\(failure)")
    #expect(failure.message.contains("no checkpoint"), "\(failure)")
  }

  @Test(arguments: [1, 3]) func aSkippedStepChangesNothingAndIsCounted(ranks: Int) throws {
    let run = TemporaryRun()
    let listener = try train(run, "skip", ranks: ranks)
    #expect(listener.steps.count == 12)
    let bad = listener.steps.filter { !$0.loss.isFinite }
    #expect(bad.count == 3, "one an epoch")
    #expect(listener.epochs.map(\.metrics.skippedSteps) == [1, 1, 1])
    #expect(listener.epochs.allSatisfy { $0.metrics.trainLoss?.isFinite == true })
    let lines = try run.metrics
    #expect(lines.filter { $0["event"] as? String == "epoch" }.allSatisfy { $0["skipped_steps"] as? Int == 1 })
    #expect(lines.filter { $0["loss"] is NSNull }.count == 3)
    let checkpoint = try run.checkpoint("epoch-0003.h5")
    #expect(checkpoint.integers["optimizer_steps"] == 9)
    #expect(checkpoint.arrays.values.allSatisfy { $0.values.allSatisfy(\.isFinite) })
    // The mean is that of the songs whose steps counted.
    let first = listener.steps.prefix(4).filter(\.loss.isFinite)
    let sizes = [12, 12, 12, 1]
    let songs = first.map { sizes[$0.step - 1] }
    let mean = zip(first, songs).reduce(0) { $0 + $1.0.loss * Double($1.1) } / Double(songs.reduce(0, +))
    #expect(abs(listener.epochs[0].metrics.trainLoss! - mean) < 1e-12)
  }

  @Test func aRunWithSkippedStepsGoesOnAsIfItHadNotBeenStopped() throws {
    let (whole, parts) = (TemporaryRun(), TemporaryRun())
    _ = try train(whole, "skip:2", ranks: 2)
    #expect(throws: Failure.self) { try train(parts, "skip:2", ranks: 2, stopAfter: 8) }
    _ = try train(parts, "skip:2", ranks: 2, resume: true)
    for name in ["epoch-0003.h5", "best.h5"] {
      let bytes = try [whole, parts].map {
        try Data(contentsOf: URL(fileURLWithPath: $0.folder.checkpoints + "/" + name))
      }
      #expect(bytes[0] == bytes[1], "\(name)")
    }
  }

  /// Weights that have run away do not come back: every step is bad then.
  @Test func noMoreStepsInARowAreSkippedThanAllowed() throws {
    let run = TemporaryRun()
    let configuration = smallConfiguration {
      $0.onNaN = .skip(atMost: 2)
      $0.learningRate = 1e38
      $0.epochs = 5
    }
    let failure = try #require(throws: Failure.self) { try run.train(configuration) }
    #expect(failure.message.contains("after 2 skipped steps in a row"), "\(failure)")
  }

  @Test(arguments: [("stop", "stop"), ("skip", "skip:10"), ("skip:3", "skip:3")])
  func aRuleIsReadAndTold(_ text: String, _ told: String) {
    #expect(NonFiniteRule(text)?.description == told)
  }

  @Test(arguments: ["", "skip:", "skip:0", "skip:-1", "skip:x", "skip:1:2", "stop:1", "no"])
  func anythingElseIsNoRule(_ text: String) { #expect(NonFiniteRule(text) == nil) }
}
