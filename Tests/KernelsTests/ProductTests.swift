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

/// Equal rows of a product are equal to the last bit, first or last, few or many, whatever the library does.
@Test(arguments: [(30, 96), (60, 96), (128, 96), (339, 528), (5, 16)])
func equalRowsHaveEqualProducts(inner: Int, columns: Int) {
  let rows = 128
  var stream = RandomStream(seed: 3, purpose: .test)
  let (a, b) = (AlignedBuffer(count: rows * padded(inner)), AlignedBuffer(count: inner * columns))
  for i in 0..<inner { a.start[i] = Float(stream.uniform(in: -1..<1)) }
  for row in 1..<rows { (a.start + row * padded(inner)).update(from: a.start, count: padded(inner)) }
  for i in 0..<b.count { b.start[i] = Float(stream.uniform(in: -1..<1)) }
  let c = AlignedBuffer(count: rows * columns)
  defer { keep([a, b, c]) }
  RowwiseProduct.multiply(
    rows: rows, columns: columns, inner: inner, a: a.start, aStride: padded(inner), b: b.start, bStride: columns,
    c: c.start, cStride: columns)
  for row in 0..<rows { for column in 0..<columns { #expect(c.start[row * columns + column] == c.start[column]) } }
  for column in 0..<columns {
    let exact = (0..<inner).reduce(0.0) { $0 + Double(a.start[$1]) * Double(b.start[$1 * columns + column]) }
    #expect(abs(Double(c.start[column]) - exact) < 1e-4)
  }

  // And of cᵀ's way back: the same rows times the transposed matrix.
  let transposed = AlignedBuffer(count: columns * padded(inner))
  for i in 0..<inner {
    for k in 0..<columns { transposed.start[k * padded(inner) + i] = b.start[i * columns + k] }
  }
  let back = AlignedBuffer(count: rows * padded(inner))
  defer { keep([transposed, back]) }
  RowwiseProduct.multiplyTransposedRight(
    rows: rows, columns: inner, inner: columns, a: c.start, aStride: columns, b: b.start, bStride: columns,
    transposed: transposed.start, c: back.start, cStride: padded(inner))
  for row in 0..<rows {
    for i in 0..<inner { #expect(back.start[row * padded(inner) + i] == back.start[i]) }
  }
  for i in 0..<inner {
    let exact = (0..<columns).reduce(0.0) { $0 + Double(c.start[$1]) * Double(b.start[i * columns + $1]) }
    #expect(abs(Double(back.start[i]) - exact) < 1e-3)
  }
}

/// Many zeros or none, one pass over them or the other: the same sums to the last bit, and over what was there.
@Test(
  arguments: [(0, 327, 256), (1, 17, 16), (5, 64, 50), (64, 256, 200), (64, 327, 33), (1_030, 20, 40)],
  [0, 0.2, 0.6, 1])
func aDenseKernelsGradientIsTheSumInDoublePrecisionHoweverManyValuesAreZero(
  size: (songs: Int, inputs: Int, outputs: Int), share: Double
) {
  let (songs, inputs, outputs) = size
  let (rows, columns) = (padded(inputs), padded(outputs))
  let values = random(max(songs, 1), rows, seed: 5)
  let gradient = random(max(songs, 1), columns, seed: 6)
  var stream = RandomStream(seed: 7, purpose: .test)
  for song in 0..<songs {
    for row in 0..<rows where row >= inputs || stream.uniform() >= share { values.start[song * rows + row] = 0 }
  }
  let found = AlignedSums(count: inputs * columns)
  for place in 0..<inputs * columns { found.start[place] = 77 }
  DenseProduct(inputs: inputs, outputs: outputs, team: ThreadTeam(threads: 2)).sumGradient(
    values.start, gradient.start, songs: songs, to: found.start)
  var wrong = 0
  for row in 0..<inputs {
    for column in 0..<columns {
      let expected = (0..<songs).reduce(0.0) { sum, song in
        sum.addingProduct(Double(values.start[song * rows + row]), Double(gradient.start[song * columns + column]))
      }
      if found.start[row * columns + column] != expected { wrong += 1 }
    }
  }
  #expect(wrong == 0)
  keep([values, gradient])
}
