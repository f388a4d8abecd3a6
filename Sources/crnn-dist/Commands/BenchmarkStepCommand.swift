import ArgumentParser
import Diagnosis
import Foundation
import MessagePassing
import Networks
import Training

/// How fast steps are, and where their time goes.
struct BenchmarkStepCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "step",
    abstract: "Measures training steps, or predictions, on random songs: speed, and the time of every phase.",
    discussion: """
      Example:
        crnn-dist benchmark step --config configs/large-252.yaml --batch-size 32 --threads 2 --steps 20 \
      --json > before.json
        crnn-dist benchmark step --config configs/large-252.yaml --batch-size 32 --threads 2 --steps 20 \
      --compare before.json

      A step is forward, backward, the sum over the ranks, the optimiser and the moving statistics; under mpirun \
      the slowest rank counts, and the phases are rank 0's.

      At its start the command measures what the threads together reach in large matrix products and in memory. \
      "of bound" is the time that a phase would take at that rate of products, or, where it has none, of memory, \
      as a share of the time it takes; memory's can exceed 100 %, where what is read is still in cache. GFLOP/s are \
      counted as a direct computation needs them, and as they are executed, padding included.
      """)

  @OptionGroup var step: StepOptions

  @Option(help: "Steps to measure, after two to warm up.")
  var steps = 10

  @Flag(help: "Measure predictions instead of training steps.")
  var inference = false

  @Flag(
    name: .customLong("no-profile"), help: "Only the speed: no phases are timed, no rates of the machine measured."
  )
  var withoutProfile = false

  @Option(help: "Compare with this result of --json, phase by phase.")
  var compare: String?

  @Flag(help: "Print JSON.")
  var json = false

  func validate() throws {
    guard steps >= 1 else { throw ValidationError("--steps: found \(steps), expected 1 or more") }
  }

  func run() throws {
    let configuration = try step.resolved()
    _ = try configuration.architecture()
    let stored = try compare.map { (path: $0, measurement: try StepMeasurement.read($0)) }
    MPIProgram.run { communicator in
      let fair = try communicator.fairThreadCount()
      var benchmark = StepBenchmark(configuration, threads: configuration.threads ?? fair)
      benchmark.steps = steps
      benchmark.isInference = inference
      benchmark.isProfiled = !withoutProfile
      let found = try benchmark.run(communicator)
      guard communicator.isRoot else { return }
      let comparison = stored.map { StepComparison(stored: $0.measurement, now: found) }
      if json {
        try printJSON(StepDocument(measurement: found, comparison: comparison))
      } else {
        print(found.summary)
        if let table = found.table { print("\n" + table) }
        if let stored, let comparison {
          print("\n" + comparison.text(stored.measurement, found, path: stored.path))
        }
      }
    }
  }
}

/// The measurement's fields and, beside them, the comparison.
private struct StepDocument: Encodable {
  let measurement: StepMeasurement
  let comparison: StepComparison?

  enum CodingKeys: String, CodingKey {
    case comparison
  }

  func encode(to encoder: any Encoder) throws {
    try measurement.encode(to: encoder)
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encodeIfPresent(comparison, forKey: .comparison)
  }
}
