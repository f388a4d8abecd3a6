import RandomNumbers

/// Divides songs, or artists with all their songs, so that as many tags as possible have a song on every side, and
/// each side about its share of every tag.
///
/// First tag by tag, the rarest first, as in Sechidis, Tsoumakas and Vlahavas, "On the stratification of
/// multi-label data", ECML 2011: a side that lacks the tag altogether comes before one that lacks some of its
/// share. Then what is still missing is sought by exchanges (`CoverageSearch`). Finding the best division is as
/// hard as colouring a hypergraph; where few songs are concerned the search finds it.
struct Stratification {
  /// What cannot be divided.
  struct Unit {
    /// How many songs.
    let songs: Int
    /// The tags that some of them have, and how many.
    let tags: [(tag: Int, songs: Int)]

    init(_ songs: [Int], labels: [UInt8], tagCount: Int) {
      self.songs = songs.count
      var counts: [Int: Int] = [:]
      for song in songs {
        for tag in 0..<tagCount where labels[song * tagCount + tag] == 1 { counts[tag, default: 0] += 1 }
      }
      tags = counts.sorted { $0.key < $1.key }.map { (tag: $0.key, songs: $0.value) }
    }
  }

  let units: [Unit]
  let tagCount: Int
  /// Songs of each side; a side without is none.
  let wanted: BySide<Int>
  let seed: UInt64

  /// - Parameter units: in random order.
  init(_ units: [Unit], tagCount: Int, wanted: BySide<Int>, seed: UInt64) {
    self.units = units
    self.tagCount = tagCount
    self.wanted = wanted
    self.seed = seed
  }

  /// The side of each unit. Where a unit is a song, each side has exactly the songs wanted.
  func sides() -> [SongSide] {
    guard !units.isEmpty else { return [] }
    var coverage = Coverage(units, tagCount: tagCount, wanted: wanted, sides: sharedOut())
    var search = CoverageSearch(seed: seed)
    search.improve(&coverage)
    coverage.evenOut()
    return coverage.sides
  }

  // MARK: Tag by tag

  private func sharedOut() -> [SongSide] {
    var dealing = Dealing(self)
    for tag in tagsRarestFirst {
      for unit in dealing.unitsOfTag[tag] where dealing.sides[unit] == nil { dealing.put(unit, for: tag) }
    }
    for unit in units.indices where dealing.sides[unit] == nil { dealing.put(unit, for: nil) }
    return dealing.sides.map { $0! }
  }

  private var tagsRarestFirst: [Int] {
    var counts = [Int](repeating: 0, count: tagCount)
    for unit in units { for (tag, _) in unit.tags { counts[tag] += 1 } }
    return (0..<tagCount).sorted { (counts[$0], $0) < (counts[$1], $1) }
  }
}

/// The first dealing out: what each side has got so far, and what it still wants.
private struct Dealing {
  private let units: [Stratification.Unit]
  let unitsOfTag: [[Int]]
  var sides: [SongSide?]
  /// Songs that a side still wants.
  private var room: BySide<Int>
  private let active: [SongSide]
  /// Songs of each tag: the side's share of them, less what it has.
  private var lacking: [BySide<Double>]
  /// Units with each tag.
  private var has: [BySide<Int>]

  init(_ stratification: Stratification) {
    units = stratification.units
    sides = Array(repeating: nil, count: units.count)
    room = stratification.wanted
    active = SongSide.allCases.filter { stratification.wanted[$0] > 0 }
    has = Array(repeating: BySide { _ in 0 }, count: stratification.tagCount)
    lacking = Array(repeating: BySide { _ in 0 }, count: stratification.tagCount)
    var unitsOfTag = [[Int]](repeating: [], count: stratification.tagCount)
    let all = Double(SongSide.allCases.reduce(0) { $0 + stratification.wanted[$1] })
    for (index, unit) in units.enumerated() {
      for (tag, songs) in unit.tags {
        unitsOfTag[tag].append(index)
        for side in active { lacking[tag][side] += Double(songs * room[side]) / all }
      }
    }
    self.unitsOfTag = unitsOfTag
  }

  /// Puts a unit where its tag is lacking most among the sides that have room for it.
  mutating func put(_ unit: Int, for tag: Int?) {
    let songs = units[unit].songs
    let fitting = active.filter { room[$0] >= songs }
    let side =
      fitting.isEmpty
      ? active.max { (room[$0], $1) < (room[$1], $0) }!
      : fitting.max { precedes($1, $0, for: tag) }!
    sides[unit] = side
    room[side] -= songs
    for (tag, songs) in units[unit].tags {
      has[tag][side] += 1
      lacking[tag][side] -= Double(songs)
    }
  }

  /// Whether one side is to have a unit with this tag before another.
  private func precedes(_ first: SongSide, _ second: SongSide, for tag: Int?) -> Bool {
    if let tag {
      let (has, lacking) = (has[tag], lacking[tag])
      if (has[first] == 0) != (has[second] == 0) { return has[first] == 0 }
      if has[first] > 0, lacking[first] != lacking[second] { return lacking[first] > lacking[second] }
      if has[first] == 0 { return first < second }
    }
    return room[first] != room[second] ? room[first] > room[second] : first < second
  }
}
