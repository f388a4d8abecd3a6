import ArgumentParser

/// The program's own speed, one subcommand for each thing that bounds a run.
struct BenchmarkCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "benchmark",
    abstract: "Measures the program's own speed: a training step, finding and reading tracks, summing gradients.",
    discussion: """
      Example:
        crnn-dist benchmark step --config configs/large-252.yaml --batch-size 32 --threads 2
      """,
    subcommands: [
      BenchmarkStepCommand.self,
      BenchmarkReadCommand.self,
      BenchmarkDiscoverCommand.self,
      BenchmarkAllreduceCommand.self,
    ])
}
