import Checkpointing
import Diagnosis
import Networks
import Testing
import Training

/// Optimisers and schedules within whole runs.
@Suite struct LearningTests {
  private static let optimizers = Optimizers.all.map { $0.name }

  private static func configuration(_ optimizer: String) -> RunConfiguration {
    smallConfiguration {
      $0.optimizer = optimizer
      $0.learningRate = 0.01
      $0.schedule = .cosine
      $0.warmUpSteps = 2
    }
  }

  @Test(arguments: optimizers) func aRunKilledInMidEpochEndsLikeAnUndisturbedOne(_ optimizer: String) throws {
    let (whole, parts) = (TemporaryRun(), TemporaryRun())
    let configuration = Self.configuration(optimizer)
    try whole.train(configuration, ranks: 2)
    #expect(throws: Failure.self) { try parts.train(configuration, ranks: 2, stopAfter: 6) }
    try parts.train(configuration, ranks: 2, resume: true)
    let (expected, found) = (try whole.checkpoint("epoch-0003.h5"), try parts.checkpoint("epoch-0003.h5"))
    #expect(found.arrays == expected.arrays && found.integers == expected.integers)
    let state = try #require(Optimizers.named(optimizer)).init(
      OptimizerSettings(), for: ParameterArena([TensorDeclaration("kernel", [1])])
    ).state
    for part in state { #expect(!found.arrays(in: part.name).isEmpty, "\(part.name)") }
  }

  @Test(arguments: optimizers, [1, 3]) func lossesDoNotDependOnTheWorldSize(_ optimizer: String, ranks: Int) throws
  {
    let configuration = Self.configuration(optimizer)
    let alone = try TemporaryRun().train(configuration, ranks: 2).steps.map(\.loss)
    let shared = try TemporaryRun().train(configuration, ranks: ranks).steps.map(\.loss)
    for (one, other) in zip(alone, shared) { #expect(abs(one - other) <= 1e-9 * one) }
    #expect(alone.count == 12 && shared.count == 12)
  }

  /// Each optimiser and each schedule is one of its own: no two runs end with the same weights.
  @Test func everyOptimizerAndScheduleTakesOtherSteps() throws {
    var ends: [[Float]] = []
    for optimizer in Self.optimizers {
      ends.append(try Self.end(smallConfiguration { $0.optimizer = optimizer }))
    }
    for schedule in LearningRateSchedule.Form.allCases where schedule != .constant {
      ends.append(
        try Self.end(
          smallConfiguration {
            $0.schedule = schedule
            if schedule == .step { $0.decayEvery = 1 }
          }))
    }
    #expect(Set(ends).count == ends.count)
  }

  private static func end(_ configuration: RunConfiguration) throws -> [Float] {
    let run = TemporaryRun()
    try run.train(configuration)
    return try run.checkpoint("epoch-0003.h5").arrays(in: "weights").flatMap(\.array.values)
  }

  @Test func aCheckpointOfAnotherOptimizerIsRefused() throws {
    let run = TemporaryRun()
    try run.train(smallConfiguration { $0.epochs = 1 })
    let failure = #expect(throws: Failure.self) {
      try run.train(smallConfiguration { $0.optimizer = "sgd" }, resume: true)
    }
    #expect(failure?.kind == .badData && failure?.message.contains("optimizer adam, now sgd") == true)
  }

  @Test(arguments: [
    ("momentum: 0.9", ["momentum", "adam", "sgd"]),
    ("optimizer: sgd\nweight_decay: 0.1", ["weight_decay", "sgd", "adamw and lamb"]),
    ("decay_every: 3", ["decay_every", "constant", "step"]),
    ("final_learning_rate: 0.00001", ["final_learning_rate", "constant", "cosine"]),
    ("schedule: one-cycle\nwarm_up_steps: 5", ["warm_up_steps", "one-cycle"]),
    ("schedule: cosine\nfinal_learning_rate: 1", ["final_learning_rate", "at most the learning_rate"]),
  ])
  func settingsThatMeanNothingAreRefused(yaml: String, words: [String]) throws {
    var configuration = RunConfiguration()
    configuration.data = "songs.h5"
    try configuration.apply(yaml: yaml, source: "test.yaml")
    let failure = #expect(throws: Failure.self) { try configuration.validate() }
    #expect(failure?.kind == .usage)
    for word in words { #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")") }
  }
}
