import DataParallel
import Diagnosis
import Foundation
import Kernels
import Networks

/// What a step benchmark found: what `benchmark step --json` writes and `--compare` reads.
public struct StepMeasurement: Codable, Sendable {
  /// `training` or `inference`.
  public let kind: String
  public let songsPerSecond: Double
  /// The speeds between which the middle half of the steps lie.
  public let middleHalf: [Double]
  public let medianSeconds: Double
  /// Of each measured step, the slowest rank's.
  public let seconds: [Double]
  public let batchSize: Int
  public let worldSize: Int
  /// Of each rank.
  public let threads: Int
  public let segments: Int
  public let filters: [Int]
  public let recurrentUnits: Int
  public let tags: Int
  public let trainable: Int
  public let batchNorm: String
  /// The optimiser's name; nil in a result of before there were several.
  public let optimizer: String?
  /// Pooling windows, frequency and time, and channels of the input; nil in a result of before they were told.
  public let pooling: [[Int]]?
  public let inputChannels: Int?
  /// Of the dense layers on what is known of a whole song; nil where there are none, or they were not told.
  public let denseUnits: [Int]?
  /// Nil: gradients are not clipped.
  public let clipNorm: Double?
  /// Of the sum of the gradients: what ran while a rank computed, and what it waited for. Medians of the slowest
  /// rank's; nil in a result of before they were told.
  public let hiddenTransferSeconds: Double?
  public let unhiddenTransferSeconds: Double?
  /// Seconds of the small sums, such as batch norm's, waiting for others included.
  public let smallSumSeconds: Double?
  /// What a rank was planned to take, all parts together; and the most bytes that any rank has had resident, the program
  /// and its libraries among them. Nil in a result of before they were told.
  public let memoryBytes: Int?
  public let peakMemoryBytes: Int?
  /// `0.49 GiB (activations 0.31 GiB, …)`.
  public let memoryInWords: String?
  public let processor: String
  public let programVersion: String
  /// Of rank 0's threads together: GFLOP/s of large products, GB/s from memory. Nil without a profile.
  public let productRate: Double?
  public let memoryRate: Double?
  /// Rank 0's, in the order of their first run, the rest of the step last. Nil without a profile.
  public let phases: [Phase]?

  /// A stretch of a step.
  public struct Phase: Codable, Sendable {
    public let layer: String
    public let phase: String
    /// Median over the steps.
    public let seconds: Double
    /// Multiplications and additions as a direct computation counts them, and as they are executed, padding included;
    /// bytes that must be read and written at least. Zero: not counted.
    public let directOperations: Int
    public let executedOperations: Int
    public let bytes: Int
    /// What the phase would take at the machine's rate: of products where it executes operations, else of memory.
    public let boundSeconds: Double?

    enum CodingKeys: String, CodingKey {
      case layer, phase, seconds, bytes
      case directOperations = "direct_operations"
      case executedOperations = "executed_operations"
      case boundSeconds = "bound_seconds"
    }
  }

  enum CodingKeys: String, CodingKey {
    case kind, seconds, threads, segments, filters, tags, trainable, processor, phases
    case songsPerSecond = "songs_per_second"
    case middleHalf = "songs_per_second_middle_half"
    case medianSeconds = "median_seconds"
    case batchSize = "batch_size"
    case worldSize = "world_size"
    case recurrentUnits = "recurrent_units"
    case batchNorm = "batch_norm"
    case optimizer, pooling
    case inputChannels = "input_channels"
    case denseUnits = "dense_units"
    case clipNorm = "clip_norm"
    case hiddenTransferSeconds = "hidden_transfer_seconds"
    case unhiddenTransferSeconds = "unhidden_transfer_seconds"
    case smallSumSeconds = "small_sum_seconds"
    case memoryBytes = "memory_bytes"
    case peakMemoryBytes = "peak_memory_bytes"
    case memoryInWords = "memory"
    case programVersion = "program_version"
    case productRate = "product_gigaflops"
    case memoryRate = "memory_gigabytes_per_second"
  }
}

extension StepMeasurement {
  init(
    _ benchmark: StepBenchmark, _ network: Network, worldSize: Int, seconds: [Double],
    transfers: StepBenchmark.Transfers, memory: MemoryPlan, peakMemory: Int, rates: MachineRates?, phases: [Phase]?
  ) {
    let configuration = benchmark.configuration
    let songs = Double(configuration.batchSize)
    kind = benchmark.isInference ? "inference" : "training"
    medianSeconds = quantile(seconds, 0.5)
    songsPerSecond = songs / medianSeconds
    middleHalf = [songs / quantile(seconds, 0.75), songs / quantile(seconds, 0.25)]
    self.seconds = seconds
    batchSize = configuration.batchSize
    self.worldSize = worldSize
    threads = benchmark.threads
    segments = network.segments
    filters = network.architecture?.filters ?? []
    recurrentUnits = network.architecture?.recurrentUnits ?? 0
    tags = network.tags
    trainable = network.trainableParameters
    batchNorm = configuration.batchNorm.rawValue
    optimizer = configuration.optimizerType.name
    pooling = network.architecture?.pooling.map { [$0.frequency, $0.time] }
    inputChannels = network.input.channels
    denseUnits = network.architecture?.song?.units
    clipNorm = configuration.clipNorm
    hiddenTransferSeconds = quantile(transfers.hidden, 0.5)
    unhiddenTransferSeconds = quantile(transfers.unhidden, 0.5)
    smallSumSeconds = quantile(transfers.smallSums, 0.5)
    (memoryBytes, memoryInWords, peakMemoryBytes) = (memory.total.bytes, memory.inWords, peakMemory)
    processor = Self.processorName
    programVersion = Diagnosis.programVersion
    productRate = rates.map { $0.productOperations * 1e-9 }
    memoryRate = rates.map { $0.memoryBytes * 1e-9 }
    self.phases = phases
  }

  /// The phases of steps that took so many seconds: medians, and what is left of the steps.
  static func phases(_ profiles: [StepProfile], _ seconds: [Double], _ rates: MachineRates) -> [Phase] {
    guard let first = profiles.first else { return [] }
    var phases: [Phase] = []
    for (index, entry) in first.entries.enumerated() {
      let times = profiles.compactMap { $0.entries.indices.contains(index) ? $0.entries[index].seconds : nil }
      let work = entry.work
      let bound =
        work.executedOperations > 0
        ? Double(work.executedOperations) / rates.productOperations : Double(work.bytes) / rates.memoryBytes
      phases.append(
        Phase(
          layer: entry.layer, phase: entry.phase, seconds: quantile(times, 0.5),
          directOperations: work.directOperations, executedOperations: work.executedOperations, bytes: work.bytes,
          boundSeconds: bound > 0 && entry.layer != TrainingStep.ranks ? bound : nil))
    }
    let rest = zip(profiles, seconds).map { profile, time in
      time - profile.entries.reduce(0) { $0 + $1.seconds }
    }
    phases.append(
      Phase(
        layer: "rest", phase: "between the phases", seconds: max(0, quantile(rest, 0.5)), directOperations: 0,
        executedOperations: 0, bytes: 0, boundSeconds: nil))
    return phases
  }

  /// As the system calls it, such as AMD EPYC 9R14.
  private static var processorName: String {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("model name") }
    let name = line?.split(separator: ":", maxSplits: 1).last?.trimmingCharacters(in: .whitespaces)
    #if arch(arm64)
      return name ?? "arm64"
    #else
      return name ?? "unknown"
    #endif
  }
}

/// The value below which this share of the values lies, between two of them in proportion.
private func quantile(_ values: [Double], _ share: Double) -> Double {
  let sorted = values.sorted()
  guard let last = sorted.last else { return 0 }
  let place = share * Double(sorted.count - 1)
  let below = Int(place)
  let above = below + 1 < sorted.count ? sorted[below + 1] : last
  return sorted[below] + (place - Double(below)) * (above - sorted[below])
}
