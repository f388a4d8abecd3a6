import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Networks
import Training

/// How fast steps are.
struct BenchmarkStepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Measures training steps, or predictions, on random songs.",
    discussion: """
      Example:
        crnn-dist benchmark step --config configs/large-252.yaml --batch-size 32 --threads 2 --steps 20

      A step is forward, backward, the sum over the ranks, the optimiser and the moving statistics; under mpirun \
      the slowest rank counts.
      """)

  @Option(help: "The configuration whose network, batch size and batch norm are measured. Default: small, 252.")
  var config: String?

  @Option(help: "Songs of a step, over all ranks. Default: the configuration's.")
  var batchSize: Int?

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: Int?

  @Option(help: "Steps to measure, after two to warm up.")
  var steps = 10

  @Flag(help: "Measure predictions instead of training steps.")
  var inference = false

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard steps >= 1 else { throw ValidationError("--steps: found \(steps), expected 1 or more") }
    for (name, value) in [("--batch-size", batchSize), ("--threads", threads)] {
      if let value, value < 1 { throw ValidationError("\(name): found \(value), expected 1 or more") }
    }
  }

  func run() throws {
    var configuration = RunConfiguration()
    if let config { try configuration.apply(yamlFile: config) }
    let architecture = try configuration.architecture()
    MPIProgram.run { [configuration] communicator in
      let fair = try communicator.fairThreadCount()
      var benchmark = StepBenchmark(
        architecture, batchSize: batchSize ?? configuration.batchSize,
        threads: threads ?? configuration.threads ?? fair)
      benchmark.steps = steps
      benchmark.isInference = inference
      benchmark.batchNorm = configuration.batchNorm
      let report = try benchmark.run(communicator)
      guard communicator.isRoot else { return }
      if json {
        try printJSON(StepDocument(benchmark, report, worldSize: communicator.size))
      } else {
        tell(benchmark, report, worldSize: communicator.size)
      }
    }
  }

  private func tell(_ benchmark: StepBenchmark, _ report: StepBenchmark.Report, worldSize: Int) {
    let kind = benchmark.isInference ? "predictions" : "training steps"
    print(
      "\(report.seconds.count) \(kind) of \(report.batchSize) songs of \(benchmark.architecture.segments) segments, "
        + "\(worldSize) rank(s) with \(benchmark.threads) thread(s), "
        + "\(benchmark.architecture.trainableParameters) trainable parameters")
    print(
      String(
        format: "%.1f songs/s (median; the middle half %.1f to %.1f), %.1f ms a step", report.songsPerSecond,
        report.middleHalf.lowerBound, report.middleHalf.upperBound, report.medianSeconds * 1000))
  }
}

/// What `benchmark step --json` prints.
private struct StepDocument: Encodable {
  let kind: String
  let songsPerSecond: Double
  let middleHalf: [Double]
  let medianSeconds: Double
  let seconds: [Double]
  let batchSize: Int
  let segments: Int
  let trainable: Int
  let worldSize: Int
  let threads: Int

  init(_ benchmark: StepBenchmark, _ report: StepBenchmark.Report, worldSize: Int) {
    kind = benchmark.isInference ? "inference" : "training"
    songsPerSecond = report.songsPerSecond
    middleHalf = [report.middleHalf.lowerBound, report.middleHalf.upperBound]
    medianSeconds = report.medianSeconds
    seconds = report.seconds
    batchSize = report.batchSize
    segments = benchmark.architecture.segments
    trainable = benchmark.architecture.trainableParameters
    self.worldSize = worldSize
    threads = benchmark.threads
  }

  enum CodingKeys: String, CodingKey {
    case kind, seconds, segments, trainable, threads
    case songsPerSecond = "songs_per_second"
    case middleHalf = "songs_per_second_middle_half"
    case medianSeconds = "median_seconds"
    case batchSize = "batch_size"
    case worldSize = "world_size"
  }
}
