import Splits

/// Where a run's split comes from: the rule, the seed, and who decided each.
public struct SplitProvenance: Sendable, Equatable {
  public enum Source: String, Sendable {
    /// The data keep their songs' sides.
    case snapshot
    /// The option of that name said it.
    case split, folds
    case splitSeed = "split_seed"
    case seed
    /// Nobody said anything.
    case standard = "default"
  }

  public let rule: String
  public let ruleFrom: Source
  /// Nil where lists decide everything.
  public let seed: UInt64?
  public let seedFrom: Source

  /// - Parameter wanted: the run's options as they were given.
  init(_ wanted: RunConfiguration, _ sides: SongSides, _ source: any SongSource) throws {
    if sides.isPrepared, let prepared = source.preparedSplit {
      (rule, ruleFrom) = (prepared.rule.description, .snapshot)
      (seed, seedFrom) = (prepared.rule.isLeftToChance ? prepared.seed : nil, .snapshot)
      return
    }
    let wantedRule = try SplitRule(wanted.split)
    rule = wantedRule.description
    ruleFrom = wanted.folds != nil ? .folds : wanted.givenSplit != nil ? .split : .standard
    seed = wantedRule.isLeftToChance ? wanted.seedOfSplit : nil
    seedFrom = wanted.splitSeed != nil ? .splitSeed : .seed
  }

  /// `artist:0.8/0.2 (--split), seed 3 (--seed)`.
  public var inWords: String {
    if ruleFrom == .snapshot {
      let seed = seed.map { ", seed \($0)" } ?? ""
      return "\(rule)\(seed), kept by the data; --seed and --split-seed change nothing of it"
    }
    return "\(rule) (\(Self.words(ruleFrom)))" + (seed.map { ", seed \($0) (\(Self.words(seedFrom)))" } ?? "")
  }

  private static func words(_ source: Source) -> String {
    source == .standard ? "the default" : "--" + source.rawValue.replacing("_", with: "-")
  }
}

extension SplitRule {
  /// Whether a seed has a say.
  fileprivate var isLeftToChance: Bool {
    guard let lists else { return true }
    if case .share = lists.validation { return true }
    return false
  }
}
