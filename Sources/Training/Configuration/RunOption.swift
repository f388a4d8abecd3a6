import Diagnosis
import MillionSong
import Networks
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

  /// All options, in the order of the resolved file.
  public static var all: [RunOption] {
    [
      .text("data", "the path of a snapshot", \.data) { configuration, _ in
        (configuration.msd, configuration.lastfm) = (nil, nil)
      },
      .text("msd", "the path of track files", \.msd) { configuration, _ in configuration.data = nil },
      .text("lastfm", "the path of the Last.fm tags", \.lastfm) { configuration, _ in configuration.data = nil },
      .choice("tag_source", \.tagSource),
      .choice("join", \.join),
      .choice("features", \.features),
      .segments,
      .choice("crop", \.crop),
      .integer("longest", 1...1_048_576, \.longest),
      .text("tags", "paper, top:K or the path of a list", \.tags) { _, text in _ = try VocabularyRule(text) },
      .minimumTagWeight,
      .flag("strict", \.strict),
      .split,
      .splitListsHash,
      .flag("permute_tags", \.permuteTags),
      .model,
      .filters,
      .integer("recurrent_units", 1...8_192, \.recurrentUnits),
      .pooling,
      .integer("batch_size", 1...1_048_576, \.batchSize),
      .integer("epochs", 1...1_000_000, \.epochs),
      .learningRate,
      .clipNorm,
      .seed,
      .choice("batch_norm", \.batchNorm),
      .choice("shuffle", \.shuffle),
      .choice("precision", \.precision),
      .choice("gradient_compression", \.gradientCompression),
      .checkpointEvery,
      .integer("keep_checkpoints", 0...1_000_000, \.keepCheckpoints),
      .integer("threads", 1...4_096, \.threads),
      .memory,
      .integer("log_every", 0...1_000_000_000, \.logEvery),
      .integer("train_auc_songs", 0...100_000_000, \.trainAUCSongs),
    ]
  }
}

// MARK: - Kinds of options

extension RunOption {
  private typealias Field<Value> = WritableKeyPath<RunConfiguration, Value>

  /// - Parameter before: refuses a text, or clears what it replaces.
  private static func text(
    _ key: String, _ expected: String, _ field: Field<String?>,
    before: @escaping (inout RunConfiguration, String) throws -> Void
  ) -> RunOption {
    RunOption(
      key: key, expected: expected,
      set: { configuration, node in
        guard let text = node.scalar?.string, !text.isEmpty else { return false }
        try before(&configuration, text)
        configuration[keyPath: field] = text
        return true
      }, get: { $0[keyPath: field].map { Node($0) } })
  }

  private static func integer(_ key: String, _ range: ClosedRange<Int>, _ field: Field<Int>) -> RunOption {
    RunOption(
      key: key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      set: { configuration, node in
        guard let value = node.wholeNumber, range.contains(value) else { return false }
        configuration[keyPath: field] = value
        return true
      }, get: { Node("\($0[keyPath: field])") })
  }

  private static func integer(_ key: String, _ range: ClosedRange<Int>, _ field: Field<Int?>) -> RunOption {
    RunOption(
      key: key, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
      set: { configuration, node in
        guard let value = node.wholeNumber, range.contains(value) else { return false }
        configuration[keyPath: field] = value
        return true
      }, get: { $0[keyPath: field].map { Node("\($0)") } })
  }

  private static func flag(_ key: String, _ field: Field<Bool>) -> RunOption {
    RunOption(
      key: key, expected: "true or false",
      set: { configuration, node in
        guard let value = node.bool else { return false }
        configuration[keyPath: field] = value
        return true
      }, get: { Node("\($0[keyPath: field])") })
  }

  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ field: Field<Choice>
  ) -> RunOption where Choice.RawValue == String {
    RunOption(
      key: key, expected: Choice.allCases.map(\.rawValue).joined(separator: " or "),
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ Choice(rawValue: $0.string) }) else { return false }
        configuration[keyPath: field] = value
        return true
      }, get: { Node($0[keyPath: field].rawValue) })
  }

  /// A choice that may be left open.
  private static func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, _ field: Field<Choice?>
  ) -> RunOption where Choice.RawValue == String {
    RunOption(
      key: key, expected: Choice.allCases.map(\.rawValue).joined(separator: " or "),
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ Choice(rawValue: $0.string) }) else { return false }
        configuration[keyPath: field] = value
        return true
      }, get: { $0[keyPath: field].map { Node($0.rawValue) } })
  }
}

// MARK: - Options with rules of their own

extension RunOption {
  /// A model named later replaces the shape that was spelt out before.
  private static var model: RunOption {
    let plain = choice("model", \.model)
    return RunOption(
      key: plain.key, expected: plain.expected,
      set: { configuration, node in
        guard try plain.set(&configuration, node) else { return false }
        configuration.filters = nil
        configuration.recurrentUnits = nil
        configuration.pooling = nil
        return true
      }, get: plain.get)
  }

  private static var segments: RunOption {
    RunOption(
      key: "segments", expected: "a whole number from 1 to 1048576, or all",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ SegmentChoice($0.string) }),
          (1...1_048_576).contains(value.count ?? 1)
        else { return false }
        configuration.segments = value
        return true
      }, get: { $0.segments.map { Node("\($0)") } })
  }

  private static var memory: RunOption {
    RunOption(
      key: "memory", expected: "a number of bytes, such as 2GiB or 500MB",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ ByteCount($0.string) }) else { return false }
        configuration.memory = value
        return true
      }, get: { $0.memory.map { Node("\($0)") } })
  }

  private static var filters: RunOption {
    RunOption(
      key: "filters", expected: "a list of whole numbers from 1, such as [60, 60, 60]",
      set: { configuration, node in
        guard let values = node.wholeNumbers, !values.isEmpty, values.allSatisfy({ $0 > 0 }) else { return false }
        configuration.filters = values
        return true
      }, get: { $0.filters.map(Node.flow) })
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
    RunOption(
      key: "split", expected: SplitRule.forms,
      set: { configuration, node in
        guard let text = node.scalar?.string else { return false }
        _ = try SplitRule(text)
        if configuration.split != text { configuration.splitListsHash = nil }
        configuration.split = text
        return true
      }, get: { $0.givenSplit.map { Node($0) } })
  }

  /// Follows `split` in the resolved file. A split named later replaces it.
  private static var splitListsHash: RunOption {
    RunOption(
      key: "split_lists_hash", expected: "16 hexadecimal digits, as a run's config.yaml has them",
      set: { configuration, node in
        guard let text = node.scalar?.string, text.count == 16, UInt64(text, radix: 16) != nil else {
          return false
        }
        configuration.splitListsHash = text
        return true
      }, get: { $0.splitListsHash.map { Node($0, .implicit, .doubleQuoted) } })
  }

  private static var minimumTagWeight: RunOption {
    RunOption(
      key: "min_tag_weight", expected: "a number from 0 on",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ Double($0.string) }), value >= 0, value.isFinite else {
          return false
        }
        configuration.minimumTagWeight = value
        return true
      }, get: { Node("\($0.minimumTagWeight)") })
  }

  private static var learningRate: RunOption {
    RunOption(
      key: "learning_rate", expected: "a number above 0",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ Double($0.string) }), value > 0, value.isFinite else {
          return false
        }
        configuration.learningRate = value
        return true
      }, get: { Node("\($0.learningRate)") })
  }

  private static var clipNorm: RunOption {
    RunOption(
      key: "clip_norm", expected: "a number above 0",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ Double($0.string) }), Float(value) > 0, Float(value).isFinite
        else {
          return false
        }
        configuration.clipNorm = value
        return true
      }, get: { $0.clipNorm.map { Node("\($0)") } })
  }

  private static var seed: RunOption {
    RunOption(
      key: "seed", expected: "a whole number from 0 to 18446744073709551615",
      set: { configuration, node in
        guard let value = node.scalar.flatMap({ UInt64($0.string) }) else { return false }
        configuration.seed = value
        return true
      }, get: { Node("\($0.seed)") })
  }

  private static var checkpointEvery: RunOption {
    RunOption(
      key: "checkpoint_every", expected: "a count of epochs, or one such as 100steps or 600s",
      set: { configuration, node in
        guard let interval = node.scalar.flatMap({ CheckpointInterval($0.string) }) else { return false }
        configuration.checkpointEvery = interval
        return true
      }, get: { Node($0.checkpointEvery.description) })
  }
}

extension Node {
  fileprivate var wholeNumber: Int? { scalar.flatMap { Int($0.string) } }

  fileprivate var wholeNumbers: [Int]? {
    guard let sequence else { return nil }
    let values = sequence.compactMap(\.wholeNumber)
    return values.count == sequence.count ? values : nil
  }

  fileprivate static func flow(_ values: [Int]) -> Node {
    .sequence(Node.Sequence(values.map { Node("\($0)") }, .implicit, .flow))
  }
}
