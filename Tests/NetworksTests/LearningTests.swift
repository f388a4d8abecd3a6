import Foundation
import MessagePassing
import Metrics
import Networks
import Preparation
import Sampling
import Snapshots
import Splits
import Synthesis
import Testing

/// What takes minutes runs with `scripts/test --long`.
private let isLong = ProcessInfo.processInfo.environment["CRNN_DIST_LONG"] == "1"

/// The demonstration data of `scripts/quickstart`: pitches as `[song][segment][pitch class]`, labels, the two sides.
private struct DemonstrationSongs: Sendable {
  let features: [Float]
  let labels: [UInt8]
  let tags: Int
  let split: Split
  static let segments = 252

  init() throws {
    let folder = FileManager.default.temporaryDirectory.path + "/demonstration-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let snapshot = folder + "/songs.h5"
    _ = try InProcessCommunicator.run(size: 1) { communicator in
      _ = try TreeSynthesis(SynthesisParameters(songs: 1000), into: folder).run(communicator)
      let options = PreparationOptions(
        trackFiles: folder + "/msd", lastFMTags: folder + "/lastfm", segments: .count(Self.segments))
      try SnapshotPreparation.run(options, output: snapshot, communicator: communicator)
    }
    let songs = try Snapshot.open(snapshot)
    features = try songs.values(of: .pitches, songs: 0..<songs.songCount).floats
    labels = songs.labels
    tags = songs.tags.count
    split = try Split(
      SplitRule("random:0.8"), of: SplitSongs(trackIDs: songs.trackIDs, artistIDs: songs.artistIDs), seed: 1)
  }

  func batch(_ songs: some Sequence<Int>) -> Batch {
    let width = Self.segments * 12
    return Batch(
      songs: songs.map(UInt32.init), width: 12,
      features: songs.flatMap { features[$0 * width..<($0 + 1) * width] },
      labels: songs.flatMap { labels[$0 * tags..<($0 + 1) * tags].map(Float.init) })
  }
}

/// Macro ROC-AUC over the validation songs after training as `scripts/quickstart` does.
private func validationAUC(
  _ songs: DemonstrationSongs, seed: UInt64, epochs: Int, plainConvolutions: Bool
) throws -> Double {
  let architecture = Architecture.small(segments: DemonstrationSongs.segments, tags: songs.tags)
  let replica =
    plainConvolutions
    ? try Replica(architecture.network(convolution: PlainConvolution.init), maximumBatch: 16, threads: 1)
    : try Replica(architecture, maximumBatch: 16, threads: 1)
  replica.initializeWeights(seed: seed)
  let adam = Adam(for: replica.parameters)
  let train = songs.split.train
  for epoch in 1...epochs {
    let order = EpochOrder(seed: seed, epoch: epoch, count: train.count)
    for range in GlobalBatches(count: train.count, batchSize: 16) {
      let batch = songs.batch(order.songs(in: range).map { train[$0] })
      let step = StepContext(seed: seed, step: UInt32(adam.steps + 1), globalSongs: range.count)
      _ = try replica.computeGradients(batch, step: step)
      replica.takeOwnGradients()
      adam.apply(to: replica, learningRate: 1e-3)
      replica.updateMovingStatistics()
    }
  }
  let validation = songs.split.validation
  let probabilities = try stride(from: 0, to: validation.count, by: 16).flatMap {
    try replica.predict(songs.batch(validation[$0..<min($0 + 16, validation.count)]))
  }
  let labels = validation.flatMap { songs.labels[$0 * songs.tags..<($0 + 1) * songs.tags] }
  let metrics = try TagMetrics(probabilities: probabilities, labels: labels, tagCount: songs.tags)
  return try #require(metrics.macroROCAUC)
}

/// Minimal filtering rounds more than a plain product. Whether that costs anything is asked of what it is for: twenty
/// epochs of training the small network, with it and with plain im2col convolutions, five seeds each.
@Test(.enabled(if: isLong, "takes many minutes: scripts/test --long"))
func trainingReachesTheAUCOfPlainConvolutions() throws {
  let songs = try DemonstrationSongs()
  let seeds: [UInt64] = [1, 2, 3, 4, 5]
  let results = Results()
  // Two trainings at a time, one thread each.
  try concurrently(2) { thread in
    for (number, seed) in seeds.enumerated() {
      for plain in [false, true] where (number + (plain ? 1 : 0)) % 2 == thread {
        results.add(
          try validationAUC(songs, seed: seed, epochs: 20, plainConvolutions: plain), seed: seed, plain: plain)
      }
    }
  }
  let (fast, plain) = (results.values(plain: false), results.values(plain: true))
  print("validation AUC, minimal filtering: \(fast); plain: \(plain)")
  #expect(fast.count == 5 && plain.count == 5)
  let mean = { (values: [Double]) in values.reduce(0, +) / Double(values.count) }
  #expect(mean(plain) > 0.6, "there is something to learn, and it is learnt")
  #expect(abs(mean(fast) - mean(plain)) <= 0.005)
}

/// What trainings on several threads came to.
private final class Results: @unchecked Sendable {
  private let lock = NSLock()
  private var found: [(auc: Double, seed: UInt64, plain: Bool)] = []

  func add(_ auc: Double, seed: UInt64, plain: Bool) { lock.withLock { found.append((auc, seed, plain)) } }

  /// In the order of the seeds.
  func values(plain: Bool) -> [Double] {
    lock.withLock { found.filter { $0.plain == plain }.sorted { $0.seed < $1.seed }.map(\.auc) }
  }
}
