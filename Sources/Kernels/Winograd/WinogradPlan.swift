/// The tiles that a 3×3 same convolution of maps is cut into.
struct WinogradPlan: Sendable {
  let rows: Int
  let heightOutputs: Int
  let widthOutputs: Int
  let passes: AnyWinogradPasses
  /// G of the height and of the width, n × 3.
  let heightFilterMap: [Float]
  let widthFilterMap: [Float]

  /// Points of the transformed domain: matrix products for a block.
  var points: Int { (heightOutputs + 2) * (widthOutputs + 2) }

  var tileRows: Int { (rows + heightOutputs - 1) / heightOutputs }

  /// Tiles beside one another in a map so wide.
  func tileColumns(_ columns: Int) -> Int { (columns + widthOutputs - 1) / widthOutputs }

  /// Rows of each of those products for one song.
  func tiles(columns: Int) -> Int { tileRows * tileColumns(columns) }

  /// Rows of tiles that go through the transformed domain together: as many as give a product about so many rows, their
  /// rows of the map a multiple of a window's height; all, where there are no more.
  func tileRowsOfPart(columns: Int, productRows: Int, windowRows: Int) -> Int {
    let tiles = tileColumns(columns)
    var count = max(1, (productRows + tiles / 2) / tiles)
    while count < tileRows && count * heightOutputs % windowRows != 0 { count += 1 }
    return min(count, tileRows)
  }

  /// The tile sizes with the fewest multiplications for a map of this size, remainders included.
  static func fewestProducts(rows: Int, columns: Int) -> WinogradPlan {
    let plans = [
      make(WinogradF6.self, WinogradF6.self, rows), make(WinogradF3.self, WinogradF6.self, rows),
      make(WinogradF6.self, WinogradF3.self, rows), make(WinogradF3.self, WinogradF3.self, rows),
    ]
    return plans.min { $0.points * $0.tiles(columns: columns) < $1.points * $1.tiles(columns: columns) }!
  }

  @inline(__always)
  private static func make<Height: WinogradTransform, Width: WinogradTransform>(
    _ height: Height.Type, _ width: Width.Type, _ rows: Int
  ) -> WinogradPlan {
    WinogradPlan(
      rows: rows, heightOutputs: Height.outputs, widthOutputs: Width.outputs,
      passes: AnyWinogradPasses(height, width, rows: rows), heightFilterMap: Height.filterMap,
      widthFilterMap: Width.filterMap)
  }
}
