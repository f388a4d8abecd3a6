import Diagnosis

/// The side of a song in a snapshot that is divided already.
public enum SongSide: UInt8, Sendable, Codable {
  case training = 0
  case validation = 1
  case test = 2
  /// On no list of a split by lists.
  case none = 3
}

extension Split {
  /// The side of each song, on whatever side all of them are.
  var songSides: [SongSide] {
    let all = [(train, SongSide.training), (validation, .validation), (test, .test), (unused, .none)]
    var sides = [SongSide](repeating: .none, count: all.reduce(0) { $0 + $1.0.count })
    for (songs, side) in all { for song in songs { sides[song] = side } }
    return sides
  }
}

/// The split that a snapshot keeps.
public struct PreparedSplit: Sendable, Equatable {
  /// The snapshot's vocabulary.
  public var tags: VocabularyRule
  public var rule: SplitRule
  public var seed: UInt64
  /// Of the snapshot's songs.
  public var split: Split

  init(_ rule: SplitRule, seed: UInt64, sides: [SongSide], tags: VocabularyRule) {
    func songs(on side: SongSide) -> [Int] { sides.indices.filter { sides[$0] == side } }
    self.tags = tags
    self.rule = rule
    self.seed = seed
    split = Split(
      train: songs(on: .training), validation: songs(on: .validation), test: songs(on: .test),
      unused: songs(on: .none))
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

  /// Throws `badData` where a run asks for another rule and may not: the vocabulary was counted on the training side, so
  /// that any other split would judge by songs that had a say in it. `name` stands for the snapshot.
  public func refuseOther(_ wanted: SplitRule, name: String) throws {
    guard tags.isCounted, !isFor(wanted) else { return }
    throw Failure(
      .badData,
      "\(name): its tags were counted on the training side of the split \(rule) (seed \(seed)), but the run "
        + "asks for the split \(wanted), whose validation and test songs may be among those counted",
      remedy: "train with --split \(rule), or prepare it again with --split \(wanted)")
  }
}

/// The side of each of many songs, found by track id.
struct TrackSides {
  private var songs = [TrackIDSet](repeating: TrackIDSet(), count: 3)

  init() {}

  /// Of an id that comes twice the first side counts.
  init(_ sides: some Sequence<(String, SongSide)>) {
    for (trackID, side) in sides where side != .none && self[trackID] == .none {
      songs[Int(side.rawValue)].insert(trackID)
    }
  }

  /// The side of a song; none for one that is on no list, or not known.
  subscript(_ trackID: String) -> SongSide {
    let side = songs.firstIndex { $0.contains(trackID) }
    return side.flatMap { SongSide(rawValue: UInt8($0)) } ?? .none
  }
}
