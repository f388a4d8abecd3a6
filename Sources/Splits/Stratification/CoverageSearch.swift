import RandomNumbers

/// Looks for divisions that miss fewer tags, by moves and exchanges of units: a tabu search (Glover 1989), which
/// takes the best step there is, also a bad one, and for a while does not take it back.
///
/// Its steps are bounded, and its chance is the seed's, so every rank finds the same.
struct CoverageSearch {
  private var stream: RandomStream
  /// Steps without a better division after which it gives up.
  private static let patience = 1_000
  private static let mostSteps = 20_000
  /// Units looked at on each side of an exchange.
  private static let sample = 24
  /// Steps for which a moved unit stays.
  private static let rest = 4

  /// The step from which on a unit may move again.
  private var restedAt: [Int: Int] = [:]

  init(seed: UInt64) { stream = RandomStream(seed: seed, purpose: .split, first: .max, second: .max) }

  /// A unit that moves to a side, and one that makes room for it.
  private struct Exchange {
    let unit: Int
    let side: SongSide
    var other: Int?
  }

  /// Leaves the best division found; never a worse one than it was given.
  mutating func improve(_ coverage: inout Coverage) {
    let least = coverage.leastCost
    var best = (excess: coverage.excess, cost: coverage.cost, sides: coverage.sides)
    var lastBest = 0
    var step = 0
    while best.cost > least || best.excess > 0, step < Self.mostSteps, step - lastBest < Self.patience {
      step += 1
      let gaps = coverage.gaps()
      let isUneven = coverage.excess > 0 && (gaps.isEmpty || stream.chance(0.5))
      guard isUneven || !gaps.isEmpty else { break }
      let exchanges =
        isUneven ? moves(coverage) : exchanges(coverage, for: gaps[stream.index(below: gaps.count)])
      guard let exchange = leastMissing(exchanges, &coverage, step: step, below: best.cost) else { continue }
      take(exchange, &coverage, step: step)
      if (coverage.excess, coverage.cost) < (best.excess, best.cost) {
        best = (coverage.excess, coverage.cost, coverage.sides)
        lastBest = step
      }
    }
    coverage.restore(best.sides)
  }

  /// Ways to give a side a unit with a tag: alone, or in exchange for another.
  private mutating func exchanges(_ coverage: Coverage, for gap: Coverage.Gap) -> [Exchange] {
    sampled(coverage.unitsOfTag[gap.tag]).filter { coverage.sides[$0] != gap.side }.flatMap { unit in
      [Exchange(unit: unit, side: gap.side)]
        + sampled(coverage.unitsOnSide[gap.side]).map { Exchange(unit: unit, side: gap.side, other: $0) }
    }
  }

  /// Ways to bring the sides nearer to the sizes they want.
  private mutating func moves(_ coverage: Coverage) -> [Exchange] {
    let emptiest = coverage.emptiest
    return coverage.active.filter { $0 != emptiest }.flatMap { side in
      sampled(coverage.unitsOnSide[side]).map { Exchange(unit: $0, side: emptiest) }
    }
  }

  /// The exchange after which least is missing; of equals each has the same chance.
  private mutating func leastMissing(
    _ exchanges: [Exchange], _ coverage: inout Coverage, step: Int, below cost: Int
  ) -> Exchange? {
    var found: [Exchange] = []
    var least = Int.max
    for exchange in exchanges {
      let from = coverage.sides[exchange.unit]
      coverage.move(exchange.unit, to: exchange.side)
      if let other = exchange.other { coverage.move(other, to: from) }
      let weight = coverage.cost + coverage.excess * Coverage.missingPair
      let isRested = isRested(exchange.unit, step) && isRested(exchange.other, step)
      if weight <= least, isRested || (coverage.cost < cost && coverage.excess == 0) {
        if weight < least { found = [] }
        least = weight
        found.append(exchange)
      }
      if let other = exchange.other { coverage.move(other, to: exchange.side) }
      coverage.move(exchange.unit, to: from)
    }
    return found.isEmpty ? nil : found[stream.index(below: found.count)]
  }

  private mutating func take(_ exchange: Exchange, _ coverage: inout Coverage, step: Int) {
    let from = coverage.sides[exchange.unit]
    coverage.move(exchange.unit, to: exchange.side)
    restedAt[exchange.unit] = step + Self.rest + stream.index(below: Self.rest)
    guard let other = exchange.other else { return }
    coverage.move(other, to: from)
    restedAt[other] = step + Self.rest + stream.index(below: Self.rest)
  }

  private func isRested(_ unit: Int?, _ step: Int) -> Bool { unit.map { restedAt[$0] ?? 0 <= step } ?? true }

  /// All units, or some of many.
  private mutating func sampled(_ units: [Int]) -> [Int] {
    guard units.count > Self.sample else { return units }
    return (0..<Self.sample).map { _ in units[stream.index(below: units.count)] }
  }
}
