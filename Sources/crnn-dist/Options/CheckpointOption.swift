import ArgumentParser

/// The one checkpoint that a command works with. A second one would silently be the only one.
struct CheckpointOption: ParsableArguments {
  @Option(name: .customLong("checkpoint"), help: ArgumentHelp("The checkpoint.", valueName: "checkpoint"))
  private var paths: [String]

  var path: String { paths[0] }

  func validate() throws {
    guard paths.count == 1 else {
      throw ValidationError(
        "--checkpoint: found \(paths.count) of them (\(paths.joined(separator: ", "))), expected one")
    }
  }
}

/// The checkpoints whose probabilities are averaged, or one.
struct CheckpointsOption: ParsableArguments {
  @Option(
    name: .customLong("checkpoint"),
    help: ArgumentHelp(
      "The checkpoint. Given again, with others: their probabilities are averaged.", valueName: "checkpoint"))
  var paths: [String]

  func validate() throws {
    guard Set(paths).count == paths.count else {
      throw ValidationError("--checkpoint: found one of them twice (\(paths.joined(separator: ", ")))")
    }
  }
}
