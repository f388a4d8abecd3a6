/// Rows and columns of a matrix exchanged, where a product needs it so.
enum Transposition {
  /// Rows and columns of a block: the lines of memory that a block is read from and written to stay in cache, whatever
  /// the distance between them.
  private static let block = 16

  /// `target[column][row] = matrix[row][column]` for the columns of a range.
  static func write(
    _ matrix: UnsafePointer<Float>, rows: Int, columns: Range<Int>, stride matrixStride: Int,
    to target: UnsafeMutablePointer<Float>, stride targetStride: Int
  ) {
    for firstColumn in stride(from: columns.lowerBound, to: columns.upperBound, by: block) {
      let lastColumn = min(firstColumn + block, columns.upperBound)
      for firstRow in stride(from: 0, to: rows, by: block) {
        for row in firstRow..<min(firstRow + block, rows) {
          for column in firstColumn..<lastColumn {
            target[column * targetStride + row] = matrix[row * matrixStride + column]
          }
        }
      }
    }
  }
}
