import ArgumentParser
import Diagnosis
import Training

/// The options of a run that decide what a training step does: the network, and how it learns. Their values are read
/// by the rules of the YAML file, so they arrive here as text.
struct StepOptions: ParsableArguments {
  @Option(help: "A YAML file with any options of a run, `-` written as `_`. The command line wins.")
  var config: String?

  @Option(
    help: "\(RunOption.expected(of: "features")). Default: what the data have; pitches for a tree.")
  var features: String?

  @Option(
    help: """
      Segments of each song, shorter songs being left out; all: songs of any length, each whole. Default: the \
      snapshot's; 252 for a tree.
      """)
  var segments: String?

  @Option(help: "paper, top:K or a list file. Default: the snapshot's; paper for a tree.")
  var tags: String?

  @Option(
    help: """
      small, large, choi2016-12 or recommended for segments, choi2016 for spectrograms of 96 bands and 1,366 frames \
      (default: small).
      """)
  var model: String?

  @Option(help: "Channels of the convolutions instead of the model's, such as [60,60,60].")
  var filters: String?

  @Option(help: "Units of both GRU layers instead of the model's.")
  var recurrentUnits: String?

  @Option(help: "Pooling windows, frequency and time, instead of the model's, such as [[2,2],[2,2],[3,3]].")
  var pooling: String?

  @Option(help: "Columns that songs are brought to with zeros before and after, instead of the model's; 0: none.")
  var padTo: String?

  @Option(
    help: "The input's batch norm over each row, frequency, or each column, time, instead of the model's choice.")
  var inputNormalization: String?

  @Option(
    help: """
      The GRUs' reset gate after the recurrent product (two biases a gate) or before it (one), instead of the model's \
      choice.
      """)
  var resetGate: String?

  @Option(help: "Share of the values that training drops after each pooling, instead of the model's (0.1).")
  var convolutionDropout: String?

  @Option(
    help:
      "Share of the values that training drops before the last layer, instead of the model's (0.3, recommended: 0.5)."
  )
  var finalDropout: String?

  @Option(
    help: """
      Units of each of the dense layers on what is known of a whole song, instead of the model's: \
      \(RunOption.expected(of: "dense_units")).
      """)
  var denseUnits: String?

  @Option(help: "Their activation, instead of the model's: \(RunOption.expected(of: "dense_activation")).")
  var denseActivation: String?

  @Option(help: "Words that a head of its own learns beside the tags: \(RunOption.expected(of: "auxiliary")).")
  var auxiliary: String?

  @Option(help: "What the loss of those words is multiplied by (default: 3).")
  var auxiliaryWeight: String?

  @Option(help: "Songs of a step, over all ranks (default: 32).")
  var batchSize: String?

  @Option(help: "The optimiser's step size, the highest of a schedule (default: 0.001).")
  var learningRate: String?

  @Option(help: "The optimiser: \(RunOption.expected(of: "optimizer")) (default: adam).")
  var optimizer: String?

  @Option(help: "Share of the last step's velocity that the next one keeps, of optimisers that have it.")
  var momentum: String?

  @Option(
    help: """
      Share of a weight that a step of learning rate 1 takes away, of optimisers that decay; biases and batch norm's \
      parameters are spared.
      """)
  var weightDecay: String?

  @Option(
    help: "How the learning rate changes over the run: \(RunOption.expected(of: "schedule")) (default: constant).")
  var schedule: String?

  @Option(help: "Steps in which the learning rate rises from nothing (default: 0).")
  var warmUpSteps: String?

  @Option(help: "Where the schedule cosine ends (default: 0).")
  var finalLearningRate: String?

  @Option(help: "Of the schedule step: epochs between two decays (default: 30).")
  var decayEvery: String?

  @Option(help: "Of the schedule step: what a decay multiplies the learning rate by (default: 0.1).")
  var decayFactor: String?

  @Option(help: "Scales the gradient of a step down to this Euclidean norm where it is larger. Default: never.")
  var clipNorm: String?

  @Option(help: "Decides weights, order, dropout and split (default: 1).")
  var seed: String?

  @Option(help: "Batch norm over the global batch, sync, or over each rank's songs, local (default: sync).")
  var batchNorm: String?

  @Option(
    help:
      "What the moving statistics of batch norm keep of themselves in a step (default: 0.99); less for few steps an epoch."
  )
  var batchNormMomentum: String?

  @Option(help: "Arithmetic: fp32.")
  var precision: String?

  @Option(
    help: """
      What gradients are sent as between nodes: none, exact sums; fp32; or bf16, what is lost being added in the next \
      step (default: none).
      """)
  var gradientCompression: String?

  @Option(help: "Parts of a batch whose gradients are summed before the optimiser sees them (default: 1).")
  var accumulate: String?

  @Flag(
    inversion: .prefixedNo,
    help: "Sum gradients while the backward pass goes on (default), or after it; the result is the same.")
  var overlap: Bool?

  @Option(help: "Threads a rank. Default: its fair share of the cores.")
  var threads: String?

  /// Defaults, overlaid by the file, overlaid by the command line.
  /// - Parameter usual: the file where none is named.
  func resolved(
    with others: [(key: String, text: String?)] = [], usual: String? = nil
  ) throws -> RunConfiguration {
    var configuration = RunConfiguration()
    if let file = config ?? usual { try configuration.apply(yamlFile: file) }
    try configuration.apply(
      commandLine: (others + given).compactMap { key, text in text.map { (key, $0) } })
    return configuration
  }

  /// What the command line says.
  private var given: [(key: String, text: String?)] {
    [
      ("features", features), ("segments", segments), ("tags", tags), ("model", model), ("filters", filters),
      ("recurrent_units", recurrentUnits), ("pooling", pooling), ("pad_to", padTo),
      ("input_normalization", inputNormalization), ("reset_gate", resetGate),
      ("convolution_dropout", convolutionDropout), ("final_dropout", finalDropout), ("dense_units", denseUnits),
      ("dense_activation", denseActivation), ("auxiliary", auxiliary),
      ("auxiliary_weight", auxiliaryWeight), ("batch_size", batchSize),
      ("learning_rate", learningRate), ("optimizer", optimizer), ("momentum", momentum),
      ("weight_decay", weightDecay), ("schedule", schedule), ("warm_up_steps", warmUpSteps),
      ("final_learning_rate", finalLearningRate), ("decay_every", decayEvery), ("decay_factor", decayFactor),
      ("clip_norm", clipNorm), ("seed", seed), ("batch_norm", batchNorm),
      ("batch_norm_momentum", batchNormMomentum), ("precision", precision),
      ("gradient_compression", gradientCompression), ("accumulate", accumulate),
      ("overlap", overlap.map { "\($0)" }), ("threads", threads),
    ]
  }
}
