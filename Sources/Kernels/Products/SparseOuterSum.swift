/// The sum over songs of the outer products of two vectors of each, of which the first is mostly zeros: what rectified units and
/// dropout leave of a dense layer's input is a quarter.
///
/// Of each row the songs are listed where it is not zero, and the others passed over. Products and sums are those of
/// `OuterSum`, in the same order: adding a product of finite values with zero leaves a sum as it is.
enum SparseOuterSum {
  /// Rows that are summed one after the other while sixty-four songs' thirty-two columns are in the cache.
  static let rowsOfTask = 64
  private typealias Sum = SIMD8<Double>
  private static let columnsOfBlock = 4 * Sum.scalarCount

  /// With more songs the lists outgrow the cache, and are memory that nobody has planned.
  private static let mostSongs = 1_024

  /// Whether so few values are not zero that listing them is worth its time.
  static func suits(_ a: UnsafePointer<Float>, songs: Int, stride: Int) -> Bool {
    guard songs <= mostSongs else { return false }
    var ones = Vector.zero
    for place in Swift.stride(from: 0, to: songs * stride, by: vectorWidth) {
      ones += Vector.zero.replacing(with: 1, where: Vector.load(a + place) .!= 0)
    }
    return Int(ones.sum()) * 2 <= songs * stride
  }

  /// `target = Σ over songs of aᵀ·b`, `[row][column]`, written over what is there.
  ///
  /// - Parameters:
  ///   - rows: those that are wanted, of `a`'s.
  ///   - a: `[song][row]`; b: `[song][column]`, columns a multiple of 16.
  static func write(
    rows: Range<Int>, columns: Int, songs: Int, a: UnsafePointer<Float>, aStride: Int,
    b: UnsafePointer<Float>, bStride: Int, to target: UnsafeMutablePointer<Double>
  ) {
    let most = rows.count * songs
    withUnsafeTemporaryAllocation(of: Double.self, capacity: max(most, 1)) { factors in
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: max(most, 1) + rows.count) { numbers in
        let bytes = max(songs, 1) * columnsOfBlock * MemoryLayout<Double>.stride
        withUnsafeTemporaryAllocation(byteCount: bytes, alignment: 64) { memory in
          let block = memory.bindMemory(to: Double.self)
          let lists = SongLists(factors: factors.baseAddress!, songs: numbers.baseAddress!, rows: rows, of: songs)
          lists.fill(a, aStride)
          for first in stride(from: 0, to: columns, by: columnsOfBlock) {
            let width = min(columnsOfBlock, columns - first)
            copy(b + first, bStride, songs: songs, width: width, to: block.baseAddress!)
            for row in 0..<rows.count {
              let sums = target + (rows.lowerBound + row) * columns + first
              if width == columnsOfBlock {
                lists.sum(row, block.baseAddress!, to: sums)
              } else {
                lists.sumHalf(row, block.baseAddress!, to: sums)
              }
            }
          }
        }
      }
    }
  }

  private static func copy(
    _ b: UnsafePointer<Float>, _ bStride: Int, songs: Int, width: Int, to block: UnsafeMutablePointer<Double>
  ) {
    for song in 0..<songs {
      for column in stride(from: 0, to: width, by: Sum.scalarCount) {
        SIMD8<Float>.load(b + song * bStride + column).doubles.store(block + song * columnsOfBlock + column)
      }
    }
  }

  /// Of each row the songs where it is not zero, with its values there.
  private struct SongLists {
    /// `[row][entry]`
    let factors: UnsafeMutablePointer<Double>
    /// `[row][entry]`, as places in a block of columns; and behind them each row's number of entries.
    let songs: UnsafeMutablePointer<Int32>
    let rows: Range<Int>
    let most: Int

    init(factors: UnsafeMutablePointer<Double>, songs: UnsafeMutablePointer<Int32>, rows: Range<Int>, of most: Int)
    {
      (self.factors, self.songs, self.rows, self.most) = (factors, songs, rows, most)
    }

    private var counts: UnsafeMutablePointer<Int32> { songs + rows.count * most }

    func fill(_ a: UnsafePointer<Float>, _ aStride: Int) {
      let counts = counts
      counts.update(repeating: 0, count: rows.count)
      // Song after song, as they lie in memory: a row's values of all songs would share a few sets of the cache.
      for song in 0..<most {
        let values = a + song * aStride + rows.lowerBound
        let place = Int32(truncatingIfNeeded: song * columnsOfBlock)
        for row in 0..<rows.count {
          // Every entry is written, and the next one over it where it is zero: no branch that is hard to foresee.
          let entry = row * most + Int(counts[row])
          factors[entry] = Double(values[row])
          songs[entry] = place
          counts[row] += values[row] != 0 ? 1 : 0
        }
      }
    }

    @inline(__always)
    func sum(_ row: Int, _ block: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
      var (s0, s1, s2, s3) = (Sum.zero, Sum.zero, Sum.zero, Sum.zero)
      for entry in row * most..<row * most + Int(counts[row]) {
        let values = block + Int(songs[entry])
        let factor = Sum(repeating: factors[entry])
        s0.addProduct(Sum.load(values), factor)
        s1.addProduct(Sum.load(values + 8), factor)
        s2.addProduct(Sum.load(values + 16), factor)
        s3.addProduct(Sum.load(values + 24), factor)
      }
      s0.store(target)
      s1.store(target + 8)
      s2.store(target + 16)
      s3.store(target + 24)
    }

    @inline(__always)
    func sumHalf(_ row: Int, _ block: UnsafePointer<Double>, to target: UnsafeMutablePointer<Double>) {
      var (s0, s1) = (Sum.zero, Sum.zero)
      for entry in row * most..<row * most + Int(counts[row]) {
        let values = block + Int(songs[entry])
        let factor = Sum(repeating: factors[entry])
        s0.addProduct(Sum.load(values), factor)
        s1.addProduct(Sum.load(values + 8), factor)
      }
      s0.store(target)
      s1.store(target + 8)
    }
  }
}
