/// A division of units among sides, and which tags have a unit on which side; changed step by step.
struct Coverage {
  let units: [Stratification.Unit]
  let tagCount: Int
  let wanted: BySide<Int>
  /// Sides that want songs.
  let active: [SongSide]
  let unitsOfTag: [[Int]]
  private(set) var sides: [SongSide]
  private(set) var unitsOnSide: BySide<[Int]>
  private(set) var songs: BySide<Int>
  /// What is missing: each tag without a unit on an active side counts `missingPair`, one without a unit for
  /// training one more, so that a tag of fewer units than sides is learnt before it is judged.
  private(set) var cost = 0
  /// Where a unit stands in `unitsOnSide`.
  private var places: [Int]
  /// Units with each tag.
  private var counts: [BySide<Int>]
  /// How far a side may be from the songs it wants: what a division of whole units can need.
  private let tolerance: Int

  static let missingPair = 1 << 20

  init(_ units: [Stratification.Unit], tagCount: Int, wanted: BySide<Int>, sides: [SongSide]) {
    self.units = units
    self.tagCount = tagCount
    self.wanted = wanted
    self.sides = sides
    active = SongSide.allCases.filter { wanted[$0] > 0 }
    let largest = units.map(\.songs).max() ?? 0
    tolerance = largest == 1 ? 0 : largest
    songs = BySide { _ in 0 }
    counts = Array(repeating: BySide { _ in 0 }, count: tagCount)
    unitsOnSide = BySide { _ in [] }
    places = Array(repeating: 0, count: units.count)
    var unitsOfTag = [[Int]](repeating: [], count: tagCount)
    for (index, unit) in units.enumerated() {
      songs[sides[index]] += unit.songs
      places[index] = unitsOnSide[sides[index]].count
      unitsOnSide[sides[index]].append(index)
      for (tag, _) in unit.tags {
        counts[tag][sides[index]] += 1
        unitsOfTag[tag].append(index)
      }
    }
    self.unitsOfTag = unitsOfTag
    for tag in 0..<tagCount where !unitsOfTag[tag].isEmpty {
      for side in active where counts[tag][side] == 0 { cost += price(of: side) }
    }
  }

  /// The least that any division could cost.
  var leastCost: Int {
    unitsOfTag.reduce(0) { $0 + ($1.isEmpty ? 0 : max(0, active.count - $1.count)) } * Self.missingPair
  }

  private func price(of side: SongSide) -> Int { side == .training ? Self.missingPair + 1 : Self.missingPair }

  // MARK: What is missing

  struct Gap {
    let tag: Int
    let side: SongSide
  }

  /// Tags without a unit on a side, as far as another division could give them one.
  func gaps() -> [Gap] {
    var gaps: [Gap] = []
    for tag in 0..<tagCount where !unitsOfTag[tag].isEmpty {
      let missing = active.filter { counts[tag][$0] == 0 }
      let unavoidable = max(0, active.count - unitsOfTag[tag].count)
      for side in missing where missing.count > unavoidable || side == .training {
        gaps.append(Gap(tag: tag, side: side))
      }
    }
    return gaps
  }

  // MARK: Changes

  mutating func move(_ unit: Int, to side: SongSide) {
    let old = sides[unit]
    guard old != side else { return }
    for (tag, _) in units[unit].tags {
      counts[tag][old] -= 1
      if counts[tag][old] == 0 { cost += price(of: old) }
      counts[tag][side] += 1
      if counts[tag][side] == 1 { cost -= price(of: side) }
    }
    songs[old] -= units[unit].songs
    songs[side] += units[unit].songs
    let last = unitsOnSide[old].removeLast()
    if last != unit {
      unitsOnSide[old][places[unit]] = last
      places[last] = places[unit]
    }
    places[unit] = unitsOnSide[side].count
    unitsOnSide[side].append(unit)
    sides[unit] = side
  }

  mutating func restore(_ earlier: [SongSide]) {
    for unit in units.indices { move(unit, to: earlier[unit]) }
  }

  /// How far the sides are from what they want beyond the tolerance; an empty side counts too.
  var excess: Int {
    active.reduce(0) { total, side in
      total + max(0, abs(songs[side] - wanted[side]) - tolerance) + (songs[side] == 0 ? 1 : 0)
    }
  }

  // MARK: Sizes

  /// Brings the sides nearer to the songs they want as long as no tag suffers.
  mutating func evenOut() {
    while let (unit, side) = improvement() { move(unit, to: side) }
  }

  /// The first unit whose move from the fullest side to the emptiest brings both nearer and costs nothing.
  private mutating func improvement() -> (unit: Int, side: SongSide)? {
    let (full, lacking) = (fullest, emptiest)
    guard surplus(full) > 0, surplus(lacking) < 0 else { return nil }
    let (before, distance) = (cost, abs(surplus(full)) + abs(surplus(lacking)))
    for unit in unitsOnSide[full] where units[unit].songs < songs[full] {
      let moved = units[unit].songs
      guard abs(surplus(full) - moved) + abs(surplus(lacking) + moved) < distance else { continue }
      move(unit, to: lacking)
      let isHarmless = cost <= before
      move(unit, to: full)
      if isHarmless { return (unit, lacking) }
    }
    return nil
  }

  /// The side with most songs beyond what it wants.
  var fullest: SongSide { active.max { (surplus($0), $1) < (surplus($1), $0) }! }

  /// The side that most songs are missing on; one without any before all others.
  var emptiest: SongSide {
    active.first { songs[$0] == 0 } ?? active.min { (surplus($0), $0) < (surplus($1), $1) }!
  }

  private func surplus(_ side: SongSide) -> Int { songs[side] - wanted[side] }
}
