/// The tiles that a 3×3 same convolution of a map is cut into.
struct TilePlan: Sendable {
  let rows: Int
  let columns: Int
  let heightOutputs: Int
  let widthOutputs: Int
  let passes: AnyTilePasses
  /// G of the height and of the width, n × 3.
  let heightFilterMap: [Float]
  let widthFilterMap: [Float]

  /// Points of the transformed domain: matrix products for a block.
  var points: Int { (heightOutputs + 2) * (widthOutputs + 2) }
  /// Rows of each of those products for one song.
  var tilesPerSong: Int {
    ((rows + heightOutputs - 1) / heightOutputs) * ((columns + widthOutputs - 1) / widthOutputs)
  }

  /// The tile sizes with the fewest multiplications for this map, remainders included.
  static func fewestProducts(rows: Int, columns: Int) -> TilePlan {
    let plans = [
      make(Tile6.self, Tile6.self, rows, columns), make(Tile3.self, Tile6.self, rows, columns),
      make(Tile6.self, Tile3.self, rows, columns), make(Tile3.self, Tile3.self, rows, columns),
    ]
    return plans.min { $0.points * $0.tilesPerSong < $1.points * $1.tilesPerSong }!
  }

  @inline(__always)
  private static func make<Height: TileTransform, Width: TileTransform>(
    _ height: Height.Type, _ width: Width.Type, _ rows: Int, _ columns: Int
  ) -> TilePlan {
    TilePlan(
      rows: rows, columns: columns, heightOutputs: Height.outputs, widthOutputs: Width.outputs,
      passes: AnyTilePasses(TilePasses<Height, Width>(rows: rows, columns: columns)),
      heightFilterMap: Height.filterMap,
      widthFilterMap: Width.filterMap)
  }
}
