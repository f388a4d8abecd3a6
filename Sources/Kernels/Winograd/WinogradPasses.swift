/// What a pass goes over: rows of a song's tiles, and where the first of them is among the tiles of a block.
struct TileRun: Sendable {
  let tileRows: Range<Int>
  let firstTile: Int
  /// Channels that it goes over, whole vectors.
  let channels: Range<Int>
}

/// The passes between a song's map and the transformed domain, for one choice of tile height and width.
///
/// In the transformed domain value `[point][tile][channel]` of a block of songs holds, for each of the
/// `Height.inputs × Width.inputs` points, a matrix with a row for each tile: the product at a point is one
/// matrix product over channels.
struct WinogradPasses<Height: WinogradTransform, Width: WinogradTransform> {
  let rows: Int
  let columns: Int

  @inline(__always) private var tileColumns: Int { (columns + Width.outputs - 1) / Width.outputs }

  /// Bᵀ x B of every tile of a run: `map` to `points[...]`.
  func inputToPoints(
    _ map: UnsafePointer<Float>, channelStride: Int, _ points: UnsafeMutablePointer<Float>, pointStride: Int,
    _ run: TileRun
  ) {
    let (h, w) = (Height.inputs, Width.inputs)
    forEachTile(channelStride, run) { tile in
      gather(map + tile.channel, tile.top - 1, tile.left - 1, channelStride, tile.values)
      for i in 0..<h { Width.input(tile.values + i * w, 1, tile.halfway + i * w, 1) }
      for j in 0..<w { Height.input(tile.halfway + j, w, tile.values + j, w) }
      tile.store(points, pointStride, h * w)
    }
  }

  /// Aᵀ M A of every tile of a run: its rows of the output map, every position written once.
  func pointsToOutput(
    _ points: UnsafePointer<Float>, pointStride: Int, _ run: TileRun, _ map: UnsafeMutablePointer<Float>,
    channelStride: Int
  ) {
    let (h, w, m) = (Height.inputs, Width.inputs, Width.outputs)
    forEachTile(channelStride, run) { tile in
      tile.load(points, pointStride, h * w)
      for i in 0..<h { Width.output(tile.values + i * w, 1, tile.halfway + i * m, 1) }
      for j in 0..<m { Height.output(tile.halfway + j, m, tile.values + j, m) }
      for i in 0..<min(Height.outputs, rows - tile.top) {
        let row = map + ((tile.top + i) * columns + tile.left) * channelStride + tile.channel
        for j in 0..<min(m, columns - tile.left) { tile.values[i * m + j].store(row + j * channelStride) }
      }
    }
  }

  /// A dY Aᵀ of every tile of a run: the adjoint of `pointsToOutput`.
  func outputGradientToPoints(
    _ map: UnsafePointer<Float>, channelStride: Int, _ points: UnsafeMutablePointer<Float>, pointStride: Int,
    _ run: TileRun
  ) {
    let (h, w, m) = (Height.inputs, Width.inputs, Width.outputs)
    forEachTile(channelStride, run) { tile in
      let fullHeight = min(Height.outputs, rows - tile.top)
      let fullWidth = min(m, columns - tile.left)
      for i in 0..<Height.outputs {
        let row = map + ((tile.top + i) * columns + tile.left) * channelStride + tile.channel
        for j in 0..<m {
          tile.values[i * m + j] =
            i < fullHeight && j < fullWidth ? Vector.load(row + j * channelStride) : .zero
        }
      }
      for i in 0..<Height.outputs { Width.outputAdjoint(tile.values + i * m, 1, tile.halfway + i * w, 1) }
      for j in 0..<w { Height.outputAdjoint(tile.halfway + j, w, tile.values + j, w) }
      tile.store(points, pointStride, h * w)
    }
  }

  /// B dV Bᵀ of every tile of a run, summed where tiles overlap: the adjoint of `inputToPoints`. The runs of a song come
  /// from the top down; each adds to the rows that the one before it has begun.
  func pointsToInputGradient(
    _ points: UnsafePointer<Float>, pointStride: Int, _ run: TileRun, _ map: UnsafeMutablePointer<Float>,
    channelStride: Int
  ) {
    let (h, w) = (Height.inputs, Width.inputs)
    clear(map, run, channelStride)
    forEachTile(channelStride, run) { tile in
      tile.load(points, pointStride, h * w)
      for i in 0..<h { Width.inputAdjoint(tile.values + i * w, 1, tile.halfway + i * w, 1) }
      for j in 0..<w { Height.inputAdjoint(tile.halfway + j, w, tile.values + j, w) }
      let (top, left) = (tile.top - 1, tile.left - 1)
      for i in max(0, -top)..<min(h, rows - top) {
        let row = map + ((top + i) * columns + left) * channelStride + tile.channel
        for j in max(0, -left)..<min(w, columns - left) {
          let address = row + j * channelStride
          (Vector.load(address) + tile.values[i * w + j]).store(address)
        }
      }
    }
  }

  /// Sets the rows to zero that a run is the first to touch.
  private func clear(_ map: UnsafeMutablePointer<Float>, _ run: TileRun, _ channelStride: Int) {
    let m = Height.outputs
    let first = run.tileRows.lowerBound == 0 ? 0 : run.tileRows.lowerBound * m + 1
    let end = min(rows, run.tileRows.upperBound * m + 1)
    guard first < end else { return }
    let positions = first * columns..<end * columns
    if run.channels.count == channelStride {
      (map + positions.lowerBound * channelStride).update(repeating: 0, count: positions.count * channelStride)
    } else {
      for position in positions {
        (map + position * channelStride + run.channels.lowerBound).update(repeating: 0, count: run.channels.count)
      }
    }
  }

  /// Calls the body for every tile of a run and every sixteen of its channels.
  @inline(__always)
  private func forEachTile(_ channelStride: Int, _ run: TileRun, _ body: (WinogradTile) -> Void) {
    let points = Height.inputs * Width.inputs
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * points) { scratch in
      let values = scratch.baseAddress!
      for tileRow in run.tileRows {
        for tileColumn in 0..<tileColumns {
          let place =
            (run.firstTile + (tileRow - run.tileRows.lowerBound) * tileColumns + tileColumn) * channelStride
          for channel in stride(from: run.channels.lowerBound, to: run.channels.upperBound, by: vectorWidth) {
            body(
              WinogradTile(
                top: tileRow * Height.outputs, left: tileColumn * Width.outputs, channel: channel,
                place: place + channel, values: values, halfway: values + points))
          }
        }
      }
    }
  }

  /// Reads a tile with the two positions of halo, zero outside the map.
  @inline(__always)
  private func gather(
    _ map: UnsafePointer<Float>, _ top: Int, _ left: Int, _ channelStride: Int,
    _ tile: UnsafeMutablePointer<Vector>
  ) {
    let w = Width.inputs
    let inside = left >= 0 && left + w <= columns
    for i in 0..<Height.inputs {
      let rowInside = top + i >= 0 && top + i < rows
      let row = map + ((top + i) * columns + left) * channelStride
      if rowInside && inside {
        for j in 0..<w { tile[i * w + j] = Vector.load(row + j * channelStride) }
      } else {
        for j in 0..<w {
          let there = rowInside && left + j >= 0 && left + j < columns
          tile[i * w + j] = there ? Vector.load(row + j * channelStride) : .zero
        }
      }
    }
  }
}

/// Sixteen channels of a tile on their way through the transforms.
private struct WinogradTile {
  /// Where its outputs begin in the map.
  let top: Int
  let left: Int
  let channel: Int
  /// Where its first point is, those of a point's tiles being together.
  let place: Int
  /// Room for its points, and for what is transformed one way.
  let values: UnsafeMutablePointer<Vector>
  let halfway: UnsafeMutablePointer<Vector>

  @inline(__always)
  func load(_ points: UnsafePointer<Float>, _ pointStride: Int, _ count: Int) {
    var source = points + place
    for point in 0..<count {
      values[point] = Vector.load(source)
      source += pointStride
    }
  }

  @inline(__always)
  func store(_ points: UnsafeMutablePointer<Float>, _ pointStride: Int, _ count: Int) {
    var target = points + place
    for point in 0..<count {
      values[point].store(target)
      target += pointStride
    }
  }
}

/// The passes with their tile sizes chosen at run time: closures over one concrete choice, so that the compiler
/// writes each choice's code out instead of calling the transforms through a table.
struct AnyWinogradPasses: Sendable {
  typealias MapToPoints =
    @Sendable (
      _ map: UnsafePointer<Float>, _ columns: Int, _ channelStride: Int, _ points: UnsafeMutablePointer<Float>,
      _ pointStride: Int, _ run: TileRun
    ) -> Void
  typealias PointsToMap =
    @Sendable (
      _ points: UnsafePointer<Float>, _ pointStride: Int, _ run: TileRun, _ map: UnsafeMutablePointer<Float>,
      _ columns: Int, _ channelStride: Int
    ) -> Void

  let inputToPoints: MapToPoints
  let outputGradientToPoints: MapToPoints
  let pointsToOutput: PointsToMap
  let pointsToInputGradient: PointsToMap

  @inline(__always)
  init<Height: WinogradTransform, Width: WinogradTransform>(_ height: Height.Type, _ width: Width.Type, rows: Int)
  {
    inputToPoints = {
      WinogradPasses<Height, Width>(rows: rows, columns: $1)
        .inputToPoints($0, channelStride: $2, $3, pointStride: $4, $5)
    }
    outputGradientToPoints = {
      WinogradPasses<Height, Width>(rows: rows, columns: $1)
        .outputGradientToPoints($0, channelStride: $2, $3, pointStride: $4, $5)
    }
    pointsToOutput = {
      WinogradPasses<Height, Width>(rows: rows, columns: $4)
        .pointsToOutput($0, pointStride: $1, $2, $3, channelStride: $5)
    }
    pointsToInputGradient = {
      WinogradPasses<Height, Width>(rows: rows, columns: $4)
        .pointsToInputGradient($0, pointStride: $1, $2, $3, channelStride: $5)
    }
  }
}
