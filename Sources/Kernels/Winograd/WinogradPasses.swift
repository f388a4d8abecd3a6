/// The passes between a song's map and the transformed domain, for one choice of tile height and width.
///
/// In the transformed domain value `[point][tile][channel]` of a block of songs holds, for each of the
/// `Height.inputs × Width.inputs` points, a matrix with a row for each tile: the product at a point is one
/// matrix product over channels.
struct WinogradPasses<Height: WinogradTransform, Width: WinogradTransform> {
  let rows: Int
  let columns: Int

  @inline(__always) private var tileRows: Int { (rows + Height.outputs - 1) / Height.outputs }
  @inline(__always) private var tileColumns: Int { (columns + Width.outputs - 1) / Width.outputs }

  /// Bᵀ x B of every tile of a song: `map` to `points[...]`, the first tile's row at `firstTile`.
  func inputToPoints(
    _ map: UnsafePointer<Float>, channelStride: Int, _ points: UnsafeMutablePointer<Float>, pointStride: Int,
    firstTile: Int
  ) {
    let h = Height.inputs
    let w = Width.inputs
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * h * w) { scratch in
      let gathered = scratch.baseAddress!
      let halfway = gathered + h * w
      for tileRow in 0..<tileRows {
        for tileColumn in 0..<tileColumns {
          let top = tileRow * Height.outputs - 1
          let left = tileColumn * Width.outputs - 1
          let tile = firstTile + tileRow * tileColumns + tileColumn
          for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
            gather(map + channel, top, left, channelStride, gathered)
            for i in 0..<h { Width.input(gathered + i * w, 1, halfway + i * w, 1) }
            for j in 0..<w { Height.input(halfway + j, w, gathered + j, w) }
            var target = points + tile * channelStride + channel
            for point in 0..<h * w {
              gathered[point].store(target)
              target += pointStride
            }
          }
        }
      }
    }
  }

  /// Aᵀ M A of every tile of a song: the output map, every position written once.
  func pointsToOutput(
    _ points: UnsafePointer<Float>, pointStride: Int, firstTile: Int, _ map: UnsafeMutablePointer<Float>,
    channelStride: Int
  ) {
    let h = Height.inputs
    let w = Width.inputs
    let m = Width.outputs
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * h * w) { scratch in
      let gathered = scratch.baseAddress!
      let halfway = gathered + h * w
      for tileRow in 0..<tileRows {
        for tileColumn in 0..<tileColumns {
          let tile = firstTile + tileRow * tileColumns + tileColumn
          for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
            var source = points + tile * channelStride + channel
            for point in 0..<h * w {
              gathered[point] = Vector.load(source)
              source += pointStride
            }
            for i in 0..<h { Width.output(gathered + i * w, 1, halfway + i * m, 1) }
            for j in 0..<m { Height.output(halfway + j, m, gathered + j, m) }
            let top = tileRow * Height.outputs
            let left = tileColumn * Width.outputs
            for i in 0..<min(Height.outputs, rows - top) {
              let row = map + ((top + i) * columns + left) * channelStride + channel
              for j in 0..<min(m, columns - left) { gathered[i * m + j].store(row + j * channelStride) }
            }
          }
        }
      }
    }
  }

  /// A dY Aᵀ of every tile of a song: the adjoint of `pointsToOutput`.
  func outputGradientToPoints(
    _ map: UnsafePointer<Float>, channelStride: Int, _ points: UnsafeMutablePointer<Float>, pointStride: Int,
    firstTile: Int
  ) {
    let h = Height.inputs
    let w = Width.inputs
    let m = Width.outputs
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * h * w) { scratch in
      let gathered = scratch.baseAddress!
      let halfway = gathered + h * w
      for tileRow in 0..<tileRows {
        for tileColumn in 0..<tileColumns {
          let top = tileRow * Height.outputs
          let left = tileColumn * m
          let tile = firstTile + tileRow * tileColumns + tileColumn
          let fullHeight = min(Height.outputs, rows - top)
          let fullWidth = min(m, columns - left)
          for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
            for i in 0..<Height.outputs {
              let row = map + ((top + i) * columns + left) * channelStride + channel
              for j in 0..<m {
                gathered[i * m + j] =
                  i < fullHeight && j < fullWidth ? Vector.load(row + j * channelStride) : .zero
              }
            }
            for i in 0..<Height.outputs { Width.outputAdjoint(gathered + i * m, 1, halfway + i * w, 1) }
            for j in 0..<w { Height.outputAdjoint(halfway + j, w, gathered + j, w) }
            var target = points + tile * channelStride + channel
            for point in 0..<h * w {
              gathered[point].store(target)
              target += pointStride
            }
          }
        }
      }
    }
  }

  /// B dV Bᵀ of every tile of a song, summed where tiles overlap: the adjoint of `inputToPoints`.
  func pointsToInputGradient(
    _ points: UnsafePointer<Float>, pointStride: Int, firstTile: Int, _ map: UnsafeMutablePointer<Float>,
    channelStride: Int
  ) {
    let h = Height.inputs
    let w = Width.inputs
    map.update(repeating: 0, count: rows * columns * channelStride)
    withUnsafeTemporaryAllocation(of: Vector.self, capacity: 2 * h * w) { scratch in
      let gathered = scratch.baseAddress!
      let halfway = gathered + h * w
      for tileRow in 0..<tileRows {
        for tileColumn in 0..<tileColumns {
          let top = tileRow * Height.outputs - 1
          let left = tileColumn * Width.outputs - 1
          let tile = firstTile + tileRow * tileColumns + tileColumn
          for channel in stride(from: 0, to: channelStride, by: vectorWidth) {
            var source = points + tile * channelStride + channel
            for point in 0..<h * w {
              gathered[point] = Vector.load(source)
              source += pointStride
            }
            for i in 0..<h { Width.inputAdjoint(gathered + i * w, 1, halfway + i * w, 1) }
            for j in 0..<w { Height.inputAdjoint(halfway + j, w, gathered + j, w) }
            for i in max(0, -top)..<min(h, rows - top) {
              let row = map + ((top + i) * columns + left) * channelStride + channel
              for j in max(0, -left)..<min(w, columns - left) {
                let address = row + j * channelStride
                (Vector.load(address) + gathered[i * w + j]).store(address)
              }
            }
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

/// The passes with their tile sizes chosen at run time: closures over one concrete choice, so that the compiler
/// writes each choice's code out instead of calling the transforms through a table.
struct AnyWinogradPasses: Sendable {
  typealias MapToPoints =
    @Sendable (
      _ map: UnsafePointer<Float>, _ columns: Int, _ channelStride: Int, _ points: UnsafeMutablePointer<Float>,
      _ pointStride: Int, _ firstTile: Int
    ) -> Void
  typealias PointsToMap =
    @Sendable (
      _ points: UnsafePointer<Float>, _ pointStride: Int, _ firstTile: Int, _ map: UnsafeMutablePointer<Float>,
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
        .inputToPoints($0, channelStride: $2, $3, pointStride: $4, firstTile: $5)
    }
    outputGradientToPoints = {
      WinogradPasses<Height, Width>(rows: rows, columns: $1)
        .outputGradientToPoints($0, channelStride: $2, $3, pointStride: $4, firstTile: $5)
    }
    pointsToOutput = {
      WinogradPasses<Height, Width>(rows: rows, columns: $4)
        .pointsToOutput($0, pointStride: $1, firstTile: $2, $3, channelStride: $5)
    }
    pointsToInputGradient = {
      WinogradPasses<Height, Width>(rows: rows, columns: $4)
        .pointsToInputGradient($0, pointStride: $1, firstTile: $2, $3, channelStride: $5)
    }
  }
}
