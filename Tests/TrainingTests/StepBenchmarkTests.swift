import Diagnosis
import Foundation
import MessagePassing
import Networks
import Testing
import Training

@Suite struct StepBenchmarkTests {
  private static var configuration: RunConfiguration {
    var configuration = RunConfiguration()
    configuration.segments = .count(48)
    configuration.filters = [4, 5, 3]
    configuration.recurrentUnits = 4
    configuration.tags = "top:3"
    configuration.batchSize = 8
    return configuration
  }

  private func measure(
    ranks: Int = 1, _ change: @escaping @Sendable (inout StepBenchmark) -> Void = { _ in }
  ) throws -> StepMeasurement {
    return try InProcessCommunicator.run(size: ranks) { communicator in
      var benchmark = StepBenchmark(Self.configuration, threads: 1)
      benchmark.steps = 3
      change(&benchmark)
      return try benchmark.run(communicator)
    }[0]
  }

  @Test func phasesOfATrainingStepNameEveryLayerAndAddUpToIt() throws {
    let found = try measure { $0.steps = 9 }
    let phases = try #require(found.phases)
    let layers = Set(phases.map(\.layer))
    for number in 1...3 {
      #expect(layers.isSuperset(of: ["convolution_\(number), forward", "convolution_\(number), backward"]))
    }
    #expect(
      layers.isSuperset(of: [
        "recurrent_1, forward", "recurrent_1, backward", "recurrent_2, forward", "recurrent_2, backward",
        "tags, forward", "tags, backward", "optimizer", "rest",
      ]))
    #expect(!layers.contains("ranks"), "one rank sums nothing")
    #expect(phases.allSatisfy { $0.seconds >= 0 })
    // Medians of parts do not add up exactly to the median of the whole; on a busy machine they scatter.
    let sum = phases.reduce(0) { $0 + $1.seconds }
    #expect(sum > 0.5 * found.medianSeconds && sum < 1.5 * found.medianSeconds)
    #expect(found.songsPerSecond == 8 / found.medianSeconds)
  }

  @Test func everyPhaseOfProductsCountsItsOperationsAndHasABound() throws {
    let found = try measure()
    let rate = try #require(found.productRate) * 1e9
    let products = try #require(found.phases).filter { $0.executedOperations > 0 }
    #expect(products.count >= 10)
    for phase in products {
      #expect(abs(try #require(phase.boundSeconds) - Double(phase.executedOperations) / rate) < 1e-12)
    }
    // Convolution 2: 3×3 taps, 4 channels in and 5 out, on a map of 6 rows and 24 columns, 8 songs.
    let convolution = products.filter { $0.layer == "convolution_2, forward" && $0.phase == "products" }
    #expect(convolution.map(\.directOperations) == [2 * 9 * 4 * 5 * 6 * 24 * 8])
  }

  @Test func ranksTimeTheirSumsApart() throws {
    let phases = try #require(try measure(ranks: 2).phases)
    for phase in ["sum of the gradients", "sum of the losses"] {
      #expect(phases.contains { $0.layer == "ranks" && $0.phase == phase && $0.boundSeconds == nil })
    }
    #expect(phases.contains { $0.layer == "convolution_2, backward" && $0.phase == "sum over the ranks" })
  }

  @Test func predictionsHaveNoBackwardPhases() throws {
    let found = try measure { $0.isInference = true }
    #expect(found.kind == "inference")
    let layers = try #require(found.phases).map(\.layer)
    #expect(layers.contains("convolution_3, inference"))
    #expect(!layers.contains { $0.contains("backward") || $0 == "optimizer" })
  }

  /// Each rank sums its gradients and its losses in every step, timed in phases or not. A rank that is a node sends its
  /// part of the gradients and its share of their sum, three of batch norm's sums in the forward pass, three in the backward
  /// pass, one of the input's, and the losses.
  @Test func ranksSumTheirGradientsWithAProfileAndWithout() throws {
    for isProfiled in [true, false] {
      let calls = try InProcessCommunicator.run(size: 2, ranksPerNode: 1) { base in
        let communicator = CountingCommunicator(base)
        var benchmark = StepBenchmark(Self.configuration, threads: 1)
        (benchmark.steps, benchmark.isProfiled) = (4, isProfiled)
        let found = try benchmark.run(communicator)
        #expect((found.unhiddenTransferSeconds ?? 0) > 0 && (found.smallSumSeconds ?? 0) > 0)
        return communicator.sent.messages
      }
      // Two steps more warm up.
      for count in calls { #expect(count >= 6 * (2 + 8), "\(count) messages, profile \(isProfiled)") }
    }
  }

  @Test(arguments: Optimizers.all.map { $0.name }) func everyOptionThatChangesAStepIsMeasured(_ name: String)
    throws
  {
    let found = try measure {
      $0.configuration.optimizer = name
      $0.configuration.clipNorm = 0.1
      $0.configuration.batchNorm = .local
      $0.configuration.features = .both
    }
    #expect(found.optimizer == name && found.batchNorm == "local" && found.clipNorm == 0.1)
    #expect(found.phases?.contains { $0.layer == "optimizer" && $0.phase == name } == true)
    #expect(try found.trainable > measure().trainable)
  }

  @Test func withoutAProfileThereIsTheSpeedAlone() throws {
    let found = try measure { $0.isProfiled = false }
    #expect(found.phases == nil && found.productRate == nil)
    #expect(found.songsPerSecond > 0)
  }

  @Test func aStoredResultComparesAsEqualToItself() throws {
    let found = try measure()
    let path = FileManager.default.temporaryDirectory.path + "/step-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try JSONEncoder().encode(found).write(to: URL(fileURLWithPath: path))
    let comparison = StepComparison(stored: try StepMeasurement.read(path), now: found)
    #expect(comparison.ratio == 1)
    #expect(comparison.differences.isEmpty)
    #expect(comparison.phases.allSatisfy { $0.ratio == nil ? $0.seconds == 0 : $0.ratio == 1 })
  }

  @Test func aComparisonNamesWhatDiffersBesideTheSpeed() throws {
    let stored = try measure()
    let now = try measure {
      $0.threads = 2
      $0.configuration.batchSize = 6
      $0.isInference = true
    }
    let comparison = StepComparison(stored: stored, now: now)
    #expect(
      comparison.differences == [
        "threads was 1, is 2", "kind was training, is inference", "batch_size was 8, is 6",
      ])
    #expect(comparison.ratio == now.songsPerSecond / stored.songsPerSecond)
    let others = try measure {
      $0.configuration.features = .both
      $0.configuration.pooling = [(2, 2), (3, 2), (2, 3)].map { PoolingSize(frequency: $0, time: $1) }
      $0.configuration.clipNorm = 0.5
    }
    #expect(
      StepComparison(stored: stored, now: others).differences == [
        "pooling was [[2, 2], [2, 2], [3, 3]], is [[2, 2], [3, 2], [2, 3]]", "input_channels was 1, is 2",
        "clip_norm was none, is 0.5",
      ])
    let adam = try #require(comparison.phases.first { $0.layer == "optimizer" })
    #expect(adam.seconds == nil && adam.ratio == nil && adam.storedSeconds != nil)
  }

  @Test(arguments: [
    ("{}", ["no field", "benchmark step --json"]), ("[1", ["no JSON"]),
    (#"{"kind": 3}"#, ["kind"]),
  ])
  func aFileThatIsNoResultIsRefused(text: String, words: [String]) throws {
    let path = FileManager.default.temporaryDirectory.path + "/step-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    let failure = #expect(throws: Failure.self) { try StepMeasurement.read(path) }
    #expect(failure?.kind == .badData)
    for word in words + [path] {
      #expect(failure?.description.contains(word) == true, "\(failure?.description ?? "")")
    }
    #expect(throws: Failure.self) { try StepMeasurement.read(path + ".gone") }
  }
}

/// Counts the messages that a rank sends.
private final class CountingCommunicator: Communicator {
  final class Sent {
    var messages = 0
  }

  private let base: any Communicator
  let sent = Sent()

  init(_ base: any Communicator) { self.base = base }

  var rank: Int { base.rank }
  var size: Int { base.size }
  var hostName: String { base.hostName }
  var layout: NodeLayout { base.layout }
  func barrier() throws { try base.barrier() }
  func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws {
    try base.broadcast(values, root: root)
  }
  func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws {
    try base.allreduce(values, reduction)
  }
  func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]? {
    try base.gather(bytes, root: root)
  }
  func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] { try base.allgather(bytes) }
  func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory? {
    try base.makeNodeMemory(bytes: bytes, ofEach: ofEach)
  }
  func makeMessageQueue() throws -> any MessageQueue { CountingQueue(try base.makeMessageQueue(), sent) }
  func abort(exitCode: Int32) -> Never { base.abort(exitCode: exitCode) }
}

private final class CountingQueue: MessageQueue {
  private let base: any MessageQueue
  private let sent: CountingCommunicator.Sent

  init(_ base: any MessageQueue, _ sent: CountingCommunicator.Sent) { (self.base, self.sent) = (base, sent) }

  var count: Int { base.count }
  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int, number: Int) throws {
    sent.messages += 1
    try base.send(bytes, to: rank, tag: tag, number: number)
  }
  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int, number: Int) throws {
    try base.receive(bytes, from: rank, tag: tag, number: number)
  }
  func poll() throws -> [Int] { try base.poll() }
}
