import Kernels
import RandomNumbers
import Testing

private func random(_ rows: Int, _ stride: Int, seed: UInt64) -> AlignedBuffer {
  let buffer = AlignedBuffer(count: rows * stride)
  var stream = RandomStream(seed: seed, purpose: .test)
  for i in 0..<buffer.count { buffer.start[i] = Float(stream.uniform(in: -1..<1)) }
  return buffer
}

/// Rows, columns, inner dimension: multiples of the tile and not, single ones, the two networks'.
private let sizes = [(1, 16, 1), (6, 32, 7), (13, 48, 60), (21, 64, 60), (47, 352, 339)]

@Test(arguments: sizes.indices)
func panelProductEqualsPlainLoops(_ which: Int) {
  let (rows, columns, inner) = sizes[which]
  let stride = padded(inner)
  let a = random(PanelProduct.rowCapacity(rows), stride, seed: 1)
  let panels = random(inner, columns, seed: 2)
  let c = AlignedBuffer(count: PanelProduct.rowCapacity(rows) * columns)
  defer { keep([a, panels, c]) }
  PanelProduct.multiply(
    rows: rows, columns: columns, inner: inner, a: a.start, aStride: stride, panels: panels.start, c: c.start,
    cStride: columns)
  for row in 0..<rows {
    for column in 0..<columns {
      let expected = (0..<inner).reduce(0.0) { sum, k in
        sum + Double(a.start[row * stride + k])
          * Double(panels.start[column / 16 * 16 * inner + k * 16 + column % 16])
      }
      #expect(abs(Double(c.start[row * columns + column]) - expected) < 1e-5 * Double(inner).squareRoot() + 1e-6)
    }
  }
}

/// The property that makes runs equal on any number of ranks: where a row stands, and among how many, is nothing to it.
@Test func aRowOfAPanelProductIsTheSameWhereverItStands() {
  let (rows, columns, inner) = (40, 64, 61)
  let a = random(PanelProduct.rowCapacity(rows) + 6, inner, seed: 3)
  let panels = random(inner, columns, seed: 4)
  let all = AlignedBuffer(count: PanelProduct.rowCapacity(rows) * columns)
  let part = AlignedBuffer(count: all.count)
  defer { keep([a, panels, all, part]) }
  func multiply(_ first: Int, _ count: Int, _ target: AlignedBuffer) {
    PanelProduct.multiply(
      rows: count, columns: columns, inner: inner, a: a.start + first * inner, aStride: inner,
      panels: panels.start, c: target.start, cStride: columns)
  }
  multiply(0, rows, all)
  for count in [1, 5, 6, 11, 40] {
    for first in 0...(rows - count) {
      multiply(first, count, part)
      for i in 0..<count * columns { #expect(part.start[i] == all.start[first * columns + i]) }
    }
  }
}

/// Sums over songs of unequal length, some without rows, against plain loops; and songs given one by one, in two
/// calls or in one, come to the same but for the order of additions in double precision.
@Test(arguments: [(1, 16), (6, 32), (19, 64), (339, 48)])
func gradientSumEqualsPlainLoopsHoweverSongsAreDivided(rows: Int, columns: Int) {
  let songs = [0..<5, 5..<6, 6..<6, 6..<30, 30..<41, 41..<62]
  let stride = padded(rows)
  let a = random(62, stride, seed: 5)
  let b = random(62, columns, seed: 6)
  func sums(_ parts: [[Range<Int>]]) -> AlignedSums {
    let target = AlignedSums(count: GradientSum.count(rows: rows, columns: columns))
    for i in 0..<target.count { target.start[i] = 9 }
    for (number, part) in parts.enumerated() {
      GradientSum.add(
        rows: rows, columns: columns, songs: part, a: a.start, aStride: stride, b: b.start, bStride: columns,
        to: target.start, over: number == 0)
    }
    return target
  }
  let whole = sums([songs])
  let halves = sums([Array(songs[..<3]), Array(songs[3...])])
  let single = sums([[]] + songs.reversed().map { [$0] })
  defer {
    keep([a, b])
    keep([whole, halves, single])
  }
  for row in 0..<rows {
    for column in 0..<columns {
      let index = GradientSum.panel(column / 16 * 16, rows: rows) + row * 16 + column % 16
      let expected = (0..<62).reduce(0.0) {
        $0 + Double(a.start[$1 * stride + row]) * Double(b.start[$1 * columns + column])
      }
      #expect(abs(whole.start[index] - expected) < 1e-5)
      #expect(whole.start[index] == halves.start[index])
      #expect(abs(whole.start[index] - single.start[index]) < 1e-14)
    }
  }
}
