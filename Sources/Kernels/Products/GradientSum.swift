/// Sums over songs of aᵀ·b: what every weight's gradient is.
///
/// Each song's product is taken by itself, in single precision, and depends on nothing but the song. The songs are
/// then added in double precision, where the order of sixteen or of a thousand songs is lost far below the last
/// bit of a float: so the gradient of a batch is the same however its songs are divided among ranks. Summing
/// everything in single precision would leave a different rounding error, of the size of 10⁻⁷, for every way to
/// divide them, which Adam and the training itself make grow by half with every step.
public enum GradientSum {
  /// Songs whose rows stay in cache while all tiles pass by them.
  private static let songsAtOnce = 4

  /// Doubles of a sum of so many rows and columns, `[column / 16][row, whole tiles][16]`.
  public static func count(rows: Int, columns: Int) -> Int { RegisterTile.padded(rows) * padded(columns) }

  /// Where row 0 of a column's panel is in such a sum.
  @inline(__always)
  package static func panel(_ column: Int, rows: Int) -> Int { column * RegisterTile.padded(rows) }

  /// `sums += Σ over songs of aᵀ·b`, or `=` with `over`.
  ///
  /// - Parameters:
  ///   - rows: of the sums.
  ///   - columns: of the sums; a multiple of 16.
  ///   - songs: each song's rows of a and b, which the product sums over.
  ///   - a: `[song row][row]`, readable up to whole tiles of rows.
  ///   - aStride: floats from a song row of a to the next.
  ///   - b: `[song row][column]`.
  ///   - bStride: floats from a song row of b to the next.
  ///   - sums: `[column / 16][row, whole tiles][16]`.
  ///   - over: whether the sums replace what is there.
  public static func add(
    rows: Int, columns: Int, songs: [Range<Int>], a: UnsafePointer<Float>, aStride: Int,
    b: UnsafePointer<Float>, bStride: Int, to sums: UnsafeMutablePointer<Double>, over: Bool
  ) {
    if songs.isEmpty && over { sums.update(repeating: 0, count: count(rows: rows, columns: columns)) }
    for column in stride(from: 0, to: columns, by: vectorWidth) {
      let panel = sums + panel(column, rows: rows)
      for first in stride(from: 0, to: songs.count, by: songsAtOnce) {
        let group = first..<min(first + songsAtOnce, songs.count)
        for row in stride(from: 0, to: rows, by: RegisterTile.rows) {
          for number in group {
            let song = songs[number]
            let tile = RegisterTile(
              inner: song.count, a: a + song.lowerBound * aStride + row, rowStep: 1, innerStep: aStride,
              b: b + song.lowerBound * bStride + column, bStep: bStride)
            if over && number == 0 {
              tile.store(panel + row * vectorWidth, step: vectorWidth)
            } else {
              tile.add(to: panel + row * vectorWidth, step: vectorWidth)
            }
          }
        }
      }
    }
  }
}
