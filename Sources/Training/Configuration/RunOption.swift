import DataParallel
import Diagnosis
import Networks
import Segments
import Splits
import Tags
import Yams

/// One option of a run: its key in YAML, what it takes, how it is set and told. On the command line it has the
/// same name with `-` for `_`, and its value is read by the same rules.
public struct RunOption {
  public let key: String
  /// For messages: "a whole number from 1".
  public let expected: String
  /// Sets the value; false where the node is not what is expected.
  let set: (inout RunConfiguration, Node) throws -> Bool
  /// The value for the resolved configuration; nil: not set.
  let get: (RunConfiguration) -> Node?

  /// `--batch-size` for `batch_size`.
  public var flag: String { "--" + key.replacing("_", with: "-") }

  /// What an option takes, for help texts.
  public static func expected(of key: String) -> String {
    all.first { $0.key == key }?.expected ?? ""
  }

  /// All options, in the order of the resolved file.
  public static var all: [RunOption] {
    [
      .text("data", "the path of a snapshot or of a file of spectrograms", \.data) { configuration, _ in
        (configuration.msd, configuration.lastfm) = (nil, nil)
      },
      .text("msd", "the path of track files", \.msd) { configuration, _ in configuration.data = nil },
      .text("lastfm", "the path of the Last.fm tags", \.lastfm) { configuration, _ in configuration.data = nil },
      .scalar("tag_source", \.tagSource, .choice()),
      .scalar("join", \.join, .choice()),
      .scalar("features", \.features, .features),
      .scalar("segments", \.segments, .segments),
      .scalar("crop", \.crop, .choice()),
      .scalar("longest", \.longest, .wholeSong),
      .text("tags", "paper, top:K or the path of a list", \.tags) { _, text in _ = try VocabularyRule(text) },
      .scalar("min_tag_weight", \.minimumTagWeight, .number("from 0 on") { $0 >= 0 }),
      .scalar("strict", \.strict, .flag),
      .split,
      .splitListsHash,
      .folds,
      .fold,
      .scalar("split_seed", \.splitSeed, .seed),
      .scalar("permute_tags", \.permuteTags, .flag),
      .text("from", "the path of a checkpoint", \.from) { _, _ in },
      .model,
      .list("filters", \.filters, example: "[60, 60, 60]"),
      .scalar("recurrent_units", \.recurrentUnits, .integer(1...8_192)),
      .list("dense_units", \.denseUnits, example: "[128, 256]"),
      .scalar("dense_activation", \.denseActivation, .choice()),
      .pooling,
      .scalar("pad_to", \.padTo, .integer(0...SegmentLimits.taken.upperBound)),
      .scalar("input_normalization", \.inputNormalization, .choice()),
      .scalar("reset_gate", \.resetGate, .choice()),
      .scalar("convolution_dropout", \.convolutionDropout, .share),
      .scalar("final_dropout", \.finalDropout, .share),
      .scalar("auxiliary", \.auxiliary, .auxiliary),
      .scalar("auxiliary_weight", \.auxiliaryWeight, .number("above 0, up to 1000000") { $0 > 0 && $0 <= 1e6 }),
      .scalar("batch_size", \.batchSize, .integer(1...1_048_576)),
      .scalar("epochs", \.epochs, .integer(1...1_000_000)),
      .scalar("learning_rate", \.learningRate, .number("above 0") { $0 > 0 }),
      .scalar("optimizer", \.optimizer, .oneOf(Optimizers.all.map { $0.name })),
      .scalar("momentum", \.momentum, .share),
      .scalar("weight_decay", \.weightDecay, .number("from 0 on") { $0 >= 0 }),
      .scalar("schedule", \.schedule, .choice()),
      .scalar("warm_up_steps", \.warmUpSteps, .integer(0...1_000_000_000)),
      .scalar("final_learning_rate", \.finalLearningRate, .number("from 0 on") { $0 >= 0 }),
      .scalar("decay_every", \.decayEvery, .integer(1...1_000_000)),
      .scalar("decay_factor", \.decayFactor, .number("above 0, up to 1") { $0 > 0 && $0 <= 1 }),
      .scalar("clip_norm", \.clipNorm, .number("above 0") { Float($0) > 0 && Float($0).isFinite }),
      .scalar("accumulate", \.accumulate, .integer(1...1_048_576)),
      .scalar("seed", \.seed, .seed),
      .scalar("batch_norm", \.batchNorm, .choice()),
      .scalar("batch_norm_momentum", \.batchNormMomentum, .share),
      .scalar("shuffle", \.shuffle, .shuffle),
      .fixed("precision", "fp32"),
      .scalar("gradient_compression", \.gradientCompression, .choice()),
      .scalar("overlap", \.overlap, .flag),
      .scalar("on_nan", \.onNaN, .nonFiniteRule),
      .scalar("checkpoint_every", \.checkpointEvery, .checkpointInterval),
      .scalar("keep_checkpoints", \.keepCheckpoints, .integer(0...1_000_000)),
      .scalar("threads", \.threads, .integer(1...4_096)),
      .scalar("memory", \.memory, .bytes),
      .scalar("log_every", \.logEvery, .integer(0...1_000_000_000)),
      .scalar("histograms_every", \.histogramsEvery, .integer(0...1_000_000_000)),
      .scalar("monitor", \.monitor, .choice()),
      .scalar("early_stop", \.earlyStop, .integer(1...1_000_000)),
      .scalar("train_auc_songs", \.trainAUCSongs, .integer(0...100_000_000)),
    ]
  }
}

// MARK: - Kinds of options

extension RunOption {
  private typealias Field<Value> = WritableKeyPath<RunConfiguration, Value>

  /// One value that is always set.
  private static func scalar<Value>(
    _ key: String, _ field: Field<Value>, _ form: ScalarForm<Value>
  ) -> RunOption {
    scalar(key, form, get: { $0[keyPath: field] }, set: { $0[keyPath: field] = $1 })
  }

  /// One value that may be left open.
  private static func scalar<Value>(
    _ key: String, _ field: Field<Value?>, _ form: ScalarForm<Value>
  ) -> RunOption {
    scalar(key, form, get: { $0[keyPath: field] }, set: { $0[keyPath: field] = $1 })
  }

  private static func scalar<Value>(
    _ key: String, _ form: ScalarForm<Value>, get: @escaping (RunConfiguration) -> Value?,
    set: @escaping (inout RunConfiguration, Value) throws -> Void
  ) -> RunOption {
    RunOption(
      key: key, expected: form.expected,
      set: { configuration, node in
        guard let value = node.scalar.flatMap(form.read) else { return false }
        try set(&configuration, value)
        return true
      }, get: { get($0).map(form.node) })
  }

  /// One that can say only what is so anyhow; files say it for the day when there is a choice.
  private static func fixed(_ key: String, _ value: String) -> RunOption {
    scalar(key, .oneOf([value]), get: { _ in value }, set: { _, _ in })
  }

  /// - Parameter before: refuses a text, or clears what it replaces.
  private static func text(
    _ key: String, _ expected: String, _ field: Field<String?>,
    before: @escaping (inout RunConfiguration, String) throws -> Void
  ) -> RunOption {
    scalar(
      key, .text(expected), get: { $0[keyPath: field] },
      set: { configuration, text in
        try before(&configuration, text)
        configuration[keyPath: field] = text
      })
  }
}

// MARK: - Options with rules of their own

extension RunOption {
  /// A model named later replaces the shape that was spelt out before.
  private static var model: RunOption {
    scalar(
      "model", .choice(), get: { $0.model },
      set: { configuration, model in
        configuration.model = model
        configuration.filters = nil
        configuration.recurrentUnits = nil
        configuration.denseUnits = nil
        configuration.denseActivation = nil
        configuration.pooling = nil
        configuration.padTo = nil
        configuration.inputNormalization = nil
        configuration.resetGate = nil
      })
  }

  private static func list(
    _ key: String, _ field: WritableKeyPath<RunConfiguration, [Int]?> & Sendable, example: String
  ) -> RunOption {
    RunOption(
      key: key, expected: "a list of whole numbers from 1, such as \(example)",
      set: { configuration, node in
        guard let values = node.wholeNumbers, !values.isEmpty, values.allSatisfy({ $0 > 0 }) else { return false }
        configuration[keyPath: field] = values
        return true
      }, get: { $0[keyPath: field].map(Node.flow) })
  }

  private static var pooling: RunOption {
    RunOption(
      key: "pooling", expected: "a list of windows, frequency and time, such as [[2, 2], [2, 2], [3, 3]]",
      set: { configuration, node in
        guard let rows = node.sequence?.map(\.wholeNumbers), !rows.isEmpty else { return false }
        let windows = rows.compactMap { row in
          row.flatMap {
            $0.count == 2 && $0.allSatisfy { $0 > 0 } ? PoolingSize(frequency: $0[0], time: $0[1]) : nil
          }
        }
        guard windows.count == rows.count else { return false }
        configuration.pooling = windows
        return true
      },
      get: { configuration in
        configuration.pooling.map { windows in
          .sequence(Node.Sequence(windows.map { .flow([$0.frequency, $0.time]) }, .implicit, .flow))
        }
      })
  }

  private static var split: RunOption {
    scalar(
      "split", .text(SplitRule.forms), get: { $0.givenSplit },
      set: { configuration, text in
        _ = try SplitRule(text)
        if configuration.split != text { configuration.splitListsHash = nil }
        configuration.split = text
      })
  }

  /// Folds named later replace a split, and a split named later replaces folds.
  private static var folds: RunOption {
    scalar(
      "folds", .integer(FoldChoice.allowedFolds), get: { $0.folds },
      set: { configuration, folds in
        (configuration.givenSplit, configuration.splitListsHash) = (nil, nil)
        configuration.folds = folds
      })
  }

  private static var fold: RunOption {
    scalar("fold", \.fold, .integer(1...FoldChoice.allowedFolds.upperBound))
  }

  /// Follows `split` in the resolved file. A split named later replaces it.
  private static var splitListsHash: RunOption { scalar("split_lists_hash", \.splitListsHash, .listsHash) }
}

extension Node {
  private var wholeNumber: Int? { scalar.flatMap { Int($0.string) } }

  fileprivate var wholeNumbers: [Int]? {
    guard let sequence else { return nil }
    let values = sequence.compactMap(\.wholeNumber)
    return values.count == sequence.count ? values : nil
  }

  fileprivate static func flow(_ values: [Int]) -> Node {
    .sequence(Node.Sequence(values.map { Node("\($0)") }, .implicit, .flow))
  }
}
