import Checkpointing
import Diagnosis
import Foundation
import MessagePassing
import RandomNumbers
import Segments
import Texts
import Training

/// Songs whose first tag shows in their pitches, so that there is something to learn.
func songs(_ count: Int, segments: Int = 24, seed: UInt64 = 3) -> InMemorySongs {
  var stream = RandomStream(seed: seed, purpose: .test)
  var features: [Float] = []
  var labels: [UInt8] = []
  for song in 0..<count {
    let isLoud = stream.chance(0.5)
    labels += [isLoud ? 1 : 0, UInt8(song % 2), stream.chance(0.3) ? 1 : 0]
    features += (0..<segments * 12).map { _ in Float(stream.uniform()) * (isLoud ? 1 : 0.7) }
  }
  return InMemorySongs(
    segments: segments, tags: ["loud", "even", "chance"], trackIDs: (0..<count).map { "TR\($0)" },
    artistIDs: (0..<count).map { "AR\($0 / 2)" }, labels: labels, features: features)
}

/// The same songs with pitches of three decimals, as a snapshot has them: in 16 bits, or as the floats they stand
/// for.
final class ThousandthSongs: SongSource {
  private let base: InMemorySongs
  private let isPacked: Bool

  init(_ base: InMemorySongs, isPacked: Bool) {
    self.base = base
    self.isPacked = isPacked
  }

  var name: String { base.name }
  var identity: String { base.identity }
  var features: FeatureSelection { base.features }
  var segments: SegmentChoice { base.segments }
  var segmentCounts: [Int] { base.segmentCounts }
  var tags: [String] { base.tags }
  var trackIDs: PackedTexts { base.trackIDs }
  var artistIDs: PackedTexts { base.artistIDs }
  var artistNames: PackedTexts { base.artistNames }
  var labels: [UInt8] { base.labels }

  func bytesOfSegment(_ feature: Feature) -> Int { isPacked && feature == .pitches ? 24 : 48 }

  func values(of feature: Feature, songs: Range<Int>) -> SegmentValues {
    kept(base.values(of: feature, songs: songs), feature)
  }

  func values(of feature: Feature, song: Int, segments: Range<Int>) -> SegmentValues {
    kept(base.values(of: feature, song: song, segments: segments), feature)
  }

  private func kept(_ values: SegmentValues, _ feature: Feature) -> SegmentValues {
    let thousandths = values.floats.map { (Double($0) * 1000).rounded() }
    let packed: SegmentValues =
      feature == .pitches
      ? .thousandths(thousandths.map { UInt16($0) }) : .wideThousandths(thousandths.map { Int32($0) })
    return isPacked ? packed : .floats(packed.floats)
  }
}

/// Whole songs of unlike lengths with pitches and timbre: the first tag shows in the timbre's second coefficient.
func wholeSongs(_ count: Int, lengths: ClosedRange<Int> = 12...60, seed: UInt64 = 3) -> InMemorySongs {
  var stream = RandomStream(seed: seed, purpose: .test)
  var counts: [Int] = []
  var labels: [UInt8] = []
  var values: [Feature: [Float]] = [.pitches: [], .timbre: []]
  for song in 0..<count {
    let isBright = stream.chance(0.5)
    let segments = lengths.lowerBound + stream.index(below: lengths.count)
    counts.append(segments)
    labels += [isBright ? 1 : 0, UInt8(song % 2), stream.chance(0.3) ? 1 : 0]
    for position in 0..<segments * 12 {
      values[.pitches]!.append(Float(stream.index(below: 1001)) / 1000)
      let mean = position % 12 == 0 ? 40.0 : position % 12 == 1 && isBright ? 60 : 0
      values[.timbre]!.append(Float(((mean + 30 * stream.normal()) * 1000).rounded() / 1000))
    }
  }
  return InMemorySongs(
    segments: .all, lengths: counts, tags: ["bright", "even", "chance"], trackIDs: (0..<count).map { "TR\($0)" },
    artistIDs: (0..<count).map { "AR\($0 / 2)" }, labels: labels, values: values)
}

/// A configuration small enough for many runs.
func smallConfiguration(_ changes: (inout RunConfiguration) -> Void = { _ in }) -> RunConfiguration {
  var configuration = RunConfiguration()
  configuration.data = "memory"
  configuration.filters = [4, 5, 3]
  configuration.recurrentUnits = 4
  configuration.batchSize = 12
  configuration.epochs = 3
  configuration.threads = 1
  configuration.split = "random:0.75"
  configuration.seed = 5
  changes(&configuration)
  return configuration
}

/// Remembers the losses of steps and what else was told.
final class Listener: RunRecorder, @unchecked Sendable {
  private let lock = NSLock()
  private var recorded: [StepReport] = []
  private var told: [EpochReport] = []
  private var begun: RunSummary?

  var steps: [StepReport] { lock.withLock { recorded } }
  var epochs: [EpochReport] { lock.withLock { told } }
  var summary: RunSummary? { lock.withLock { begun } }

  func record(_ event: RunEvent) {
    lock.withLock {
      if case .step(let report) = event { recorded.append(report) }
      if case .epoch(let report) = event { told.append(report) }
      if case .started(let summary) = event { begun = summary }
    }
  }
}

/// A folder that goes away with the value.
final class TemporaryRun: Sendable {
  let folder: RunFolder

  init() { folder = RunFolder(FileManager.default.temporaryDirectory.path + "/run-\(UUID().uuidString)") }

  deinit { try? FileManager.default.removeItem(atPath: folder.path) }

  /// Trains on ranks that are threads.
  /// - Parameter stopAfter: the step after which the last rank asks for a stop.
  @discardableResult
  func train(
    _ configuration: RunConfiguration, ranks: Int = 1, songCount: Int = 49, resume: Bool = false,
    stopAfter: Int? = nil, source: @escaping @Sendable (Int) -> any SongSource = { songs($0) }
  ) throws -> Listener {
    let listener = Listener()
    let folder = folder
    _ = try InProcessCommunicator.run(size: ranks) { communicator in
      var run = TrainingRun(configuration, folder: folder, resume: resume)
      run.recorders = [listener]
      let counter = Counter()
      if let stopAfter, communicator.rank == communicator.size - 1 {
        run.stopRequested = { counter.next() == stopAfter }
      } else {
        run.stopRequested = { false }
      }
      try run.claimFolder(communicator)
      try run.train(on: source(songCount), communicator)
    }
    return listener
  }

  /// Leaves one checkpoint in the folder, with a checksum that is right.
  func keepOnly(_ checkpoint: Checkpoint) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.checkpoints) {
      try FileManager.default.removeItem(atPath: folder.checkpoints + "/" + name)
    }
    try checkpoint.write(to: folder.checkpoints + "/epoch-0001.h5")
  }

  func checkpoint(_ name: String) throws -> Checkpoint { try Checkpoint.read(folder.checkpoints + "/" + name) }

  var metrics: [[String: Any]] {
    get throws {
      try String(contentsOfFile: folder.metrics, encoding: .utf8).split(separator: "\n").map {
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] ?? [:]
      }
    }
  }
}

private final class Counter {
  private var count = 0

  func next() -> Int {
    count += 1
    return count
  }
}
