import ArgumentParser
import Diagnosis
import MessagePassing
import ModelExchange
import Training

/// Writes a checkpoint's network for other tools.
struct ExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export",
    abstract:
      "Writes a checkpoint's network for other tools: Keras, ONNX runtimes, or whatever reads safetensors.",
    discussion: """
      Examples:
        crnn-dist export --checkpoint runs/first/checkpoints/best.h5 --format onnx --out tagger.onnx
        crnn-dist export --checkpoint runs/first/checkpoints/best.h5 --format keras --out tagger.weights.h5

      The exported network takes features as they stand in track files, [batch, segments, 12], and gives \
      probabilities: how timbre is scaled goes with it. Beside the file a card, NAME.json, tells its tags, inputs, \
      outputs and where it comes from. scripts/keras_model.py builds the network in Keras around the weights, \
      scripts/onnx-tag tags a track file; docs/exchange.md describes all three formats.
      """)

  @OptionGroup var checkpoint: CheckpointOption

  @Option(help: "keras, onnx or safetensors.")
  var format: ExportFormat

  @Option(help: "The file to write: NAME.weights.h5, NAME.onnx or NAME.safetensors.")
  var out: String

  @Flag(help: "Of ONNX: put batch norm into the weights, which takes less time and space.")
  var foldBatchNorm = false

  @Flag(help: "Replace what an earlier export has written there.")
  var force = false

  func validate() throws {
    guard !foldBatchNorm || format == .onnx else {
      throw ValidationError("--fold-batch-norm goes with --format onnx, not with --format \(format.rawValue)")
    }
  }

  func run() throws {
    let export = ModelExport(format, to: out, foldsBatchNorm: foldBatchNorm)
    MPIProgram.run { communicator in
      try communicator.agree {
        guard communicator.isRoot else { return }
        try export.claim(inputs: [checkpoint.path], replacing: force)
        let model = try PortableModel(StoredModel.read(checkpoint.path))
        try export.write(model)
        print("wrote \(out) and its card \(export.cardPath)".withVisibleControls)
      }
    }
  }
}

extension ExportFormat: ExpressibleByArgument {}
