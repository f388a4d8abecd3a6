/// Products whose right-hand matrix lies in panels, `[column / 16][inner][16]`: as a register tile reads it, so
/// nothing is packed. Who makes the matrix chooses the layout; a library has to copy both factors first.
public enum PanelProduct {
  /// Rows that the left-hand matrix and the result must have room for: whole tiles are read and written.
  public static func rowCapacity(_ rows: Int) -> Int { RegisterTile.padded(rows) }

  /// `c = a·b`: a is `[rows][inner]`, b `[columns / 16][inner][16]`, c `[rows][columns]`; strides in floats.
  ///
  /// The last tile's rows beyond `rows` are computed too, from whatever lies there.
  public static func multiply(
    rows: Int, columns: Int, inner: Int, a: UnsafePointer<Float>, aStride: Int, panels: UnsafePointer<Float>,
    c: UnsafeMutablePointer<Float>, cStride: Int
  ) {
    // A panel stays in cache while all rows pass by it.
    for column in stride(from: 0, to: columns, by: vectorWidth) {
      let panel = panels + column * inner
      for row in stride(from: 0, to: rows, by: RegisterTile.rows) {
        RegisterTile(
          inner: inner, a: a + row * aStride, rowStep: aStride, innerStep: 1, b: panel, bStep: vectorWidth
        ).store(c + row * cStride + column, step: cStride)
      }
    }
  }
}
