import Diagnosis

/// The split that a snapshot keeps.
public struct PreparedSplit: Sendable, Equatable {
  /// How many tags the snapshot's vocabulary of the most frequent was asked for, which were counted on this split's
  /// training side; nil where the vocabulary was given.
  public var countedTags: Int?
  public var rule: SplitRule
  public var seed: UInt64
  /// Of the snapshot's songs.
  public var split: Split

  package init(_ rule: SplitRule, seed: UInt64, sides: [SongSide?], countedTags: Int?) {
    self.countedTags = countedTags
    self.rule = rule
    self.seed = seed
    split = Split(sides: sides)
  }

  /// The same division of some of the songs, in rising order, which are then numbered by their place among them.
  public func of(_ songs: [Int]) -> PreparedSplit {
    let places = Dictionary(uniqueKeysWithValues: songs.enumerated().map { ($1, $0) })
    func kept(_ side: [Int]) -> [Int] { side.compactMap { places[$0] } }
    var part = self
    part.split = Split(
      train: kept(split.train), validation: kept(split.validation), test: kept(split.test),
      unused: kept(split.unused))
    return part
  }

  /// Whether this is what a run by a rule takes.
  public func isFor(_ wanted: SplitRule) -> Bool {
    // As text: the shares 0.8/0.2 and 0.8 are the same rule, but 1 − 0.8 is not quite 0.2.
    wanted.description == rule.description
  }

  /// Whether this decides where a run asks for a rule: it is that rule's, or the vocabulary allows no other.
  public func decides(for wanted: SplitRule) -> Bool { countedTags != nil || isFor(wanted) }

  /// Throws `badData` where a run asks for another rule and may not: the vocabulary was counted on the training side, so
  /// that any other split would judge by songs that had a say in it. `name` stands for the snapshot.
  public func refuseOther(_ wanted: SplitRule, name: String) throws {
    guard countedTags != nil, !isFor(wanted) else { return }
    throw Failure(
      .badData,
      "\(name): its tags were counted on the training side of the split \(rule) (seed \(seed)), but the run "
        + "asks for the split \(wanted), whose validation and test songs may be among those counted",
      remedy: "train with --split \(rule), or prepare it again with --split \(wanted)")
  }
}
