import Networks
import Testing

/// The network against Keras: `scripts/golden` makes the numbers. A tensor may differ by 1e-4 of its largest value.
private let tolerance = 1e-4
/// Bound for tensors whose true gradient is zero: a convolution's bias moves nothing but a mean that the batch norm
/// behind it takes away again.
private let zeroTolerance = 1e-6

private let cases = [
  "small-252", "small-77-dropout", "large-36", "large-41-dropout", "odd-29", "odd-29-dropout", "rows-96",
  "channels-29-dropout", "padded-20", "choi2016-bands", "choi2016-time", "time-channels",
  "choi2016-tall",
]

@Test(arguments: cases)
func inferenceEqualsKeras(_ name: String) throws {
  let golden = try GoldenNumbers(named: name)
  let found = try golden.definition.replica(threads: 2).predict(golden.definition.batch())
  expectEqual(found, golden.inference, tolerance: tolerance, "inference output")
}

@Test(arguments: cases)
func aTrainingStepEqualsKeras(_ name: String) throws {
  let golden = try GoldenNumbers(named: name)
  let replica = try golden.definition.replica(threads: 2)
  let outcome = try replica.computeGradients(golden.definition.batch(), step: golden.definition.step(1))
  let loss = outcome.lossSum / Double(golden.definition.songs.count)
  #expect(abs(loss - golden.losses[0]) <= tolerance * golden.losses[0])
  expectEqual(golden.gradients.differences { replica.gradients.values(of: $0)?.map(Float.init) }, "gradient of")
  replica.updateMovingStatistics()
  expectEqual(golden.moving.differences(replica.movingStatistics.values), "after a step,")
}

@Test(arguments: cases)
func fiveStepsOfAdamEqualKeras(_ name: String) throws {
  let golden = try GoldenNumbers(named: name)
  let replica = try golden.definition.replica(threads: 2)
  let adam = Adam(for: replica.parameters)
  let batch = golden.definition.batch()
  for (index, expected) in golden.losses.enumerated() {
    let outcome = try replica.computeGradients(batch, step: golden.definition.step(UInt32(index + 1)))
    let loss = outcome.lossSum / Double(batch.count)
    #expect(abs(loss - expected) <= tolerance * expected, "loss of step \(index + 1)")
    replica.takeOwnGradients()
    adam.apply(to: replica, learningRate: 1e-3)
  }
  expectEqual(golden.weights.differences(replica.parameters.values), "after five steps,")
}

/// Entries are held to the tolerance one by one. A projection is a sum of `count` differences with random signs:
/// its size is the square root of `count` times theirs, so divided by that root it is held to the same tolerance.
private func expectEqual(_ differences: [GoldenTensors.Difference], _ what: String) {
  #expect(!differences.isEmpty)
  for difference in differences {
    let name = difference.tensor.name
    let bound = hasNoGradient(name) ? zeroTolerance : tolerance * difference.largest
    #expect(
      difference.ofEntries <= bound,
      "\(what) \(name): off by \(difference.ofEntries / difference.largest) of the largest value")
    #expect(difference.ofProjections <= bound, "\(what) \(name), all entries")
  }
}

private func hasNoGradient(_ name: String) -> Bool {
  name.hasPrefix("convolution_") && name.hasSuffix("/bias")
}
