import ArgumentParser
import Diagnosis
import FileAccess
import MessagePassing
import ModelExchange
import Training

/// Makes a checkpoint of another tool's weights.
struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Makes a checkpoint of weights that Keras has written.",
    discussion: """
      Example:
        crnn-dist import --format keras --weights tagger.weights.h5 --config configs/small-252.yaml --out tagger.h5
        crnn-dist train --data songs.h5 --from tagger.h5 --out runs/second --config configs/small-252.yaml

      The configuration says which network the weights are of: model, filters, pooling, recurrent_units, features, \
      segments, tags. scripts/keras_model.py builds it in Keras, where model.save_weights writes the file. The \
      checkpoint serves predict, evaluate, export and train --from; optimiser and order of the songs then begin afresh.
      """)

  enum Format: String, ExpressibleByArgument, CaseIterable {
    case keras
  }

  @Option(help: "keras.")
  var format: Format

  @Option(help: "The weights, as Keras 3 saves them: NAME.weights.h5.")
  var weights: String

  @Option(help: "The configuration of the network, in YAML.")
  var config: String

  @Option(
    help: """
      paper, or the path of a list: the tags in the order of the outputs. Default: the configuration's; where that has \
      none, those that the weights' file describes, or paper.
      """)
  var tags: String?

  @Option(help: "The checkpoint to write.")
  var out: String

  @Flag(help: "Replace a checkpoint that is there.")
  var force = false

  func run() throws {
    var configuration = RunConfiguration()
    try configuration.apply(yamlFile: config)
    if let tags { configuration.tags = tags }
    let wanted = configuration
    MPIProgram.run { communicator in
      try communicator.agree {
        guard communicator.isRoot else { return }
        try OutputClaim(inputs: [weights, config] + (wanted.tags.map { [$0] } ?? [])).file(
          out,
          replacing: .init("a checkpoint", .byOption("--force", isGiven: force)) { path in
            try HDF5FileKind.isCheckpoint(path)
          })
        let checkpoint = try KerasImport(KerasWeights(weights), wanted).checkpoint()
        // What is written is what the other commands take.
        let model = try StoredModel(checkpoint)
        try checkpoint.write(to: out)
        let count = model.network.trainableParameters
        print("wrote \(out): \(count) trainable parameters, \(model.tags.count) tags".withVisibleControls)
      }
    }
  }
}
