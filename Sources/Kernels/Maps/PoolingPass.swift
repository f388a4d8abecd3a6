/// Max pooling of a convolution's raw output, before batch norm and ELU.
///
/// Both are monotonic in every channel, so the winner of a window is known before them; channels whose scale γ is
/// negative come here with their sign turned (see `ChannelNormalization`), and the maximum is right for them too.
/// That leaves normalisation and the exponential for a quarter or a ninth of the values.
public struct PoolingPass: Sendable {
  public let map: MapShape
  public let windowRows: Int
  public let windowColumns: Int
  public let pooled: MapShape

  public init(map: MapShape, windowRows: Int, windowColumns: Int) {
    self.map = map
    self.windowRows = windowRows
    self.windowColumns = windowColumns
    pooled = MapShape(
      rows: map.rows / windowRows, columns: map.columns / windowColumns, channels: map.channels)
  }

  /// Largest values of a song's map and which position of its window each came from (row-major, the first of
  /// equals).
  public func pool(
    _ song: UnsafePointer<Float>, to values: UnsafeMutablePointer<Float>,
    argmax: UnsafeMutablePointer<UInt8>
  ) {
    let width = map.channelStride
    for row in 0..<pooled.rows {
      for column in 0..<pooled.columns {
        let corner = song + row * windowRows * map.rowStride + column * windowColumns * width
        let target = (row * pooled.columns + column) * width
        for channel in stride(from: 0, to: width, by: vectorWidth) {
          var best = Vector.load(corner + channel)
          var winner = SIMD16<Int32>.zero
          for position in 1..<max(windowRows * windowColumns, 1) {
            let place = position / windowColumns * map.rowStride + position % windowColumns * width
            let value = Vector.load(corner + channel + place)
            compete(value, Int32(truncatingIfNeeded: position), &best, &winner)
          }
          best.store(values + target + channel)
          storeArgmax(winner, argmax + target + channel)
        }
      }
    }
  }

  /// ELU of each window's largest value plus the channel's shift: what inference needs, where batch norm's scale is
  /// in the weights and nobody asks who won.
  public func activate(
    _ song: UnsafePointer<Float>, shift: UnsafePointer<Float>, to activated: UnsafeMutablePointer<Float>
  ) {
    let width = map.channelStride
    var target = activated
    for row in 0..<pooled.rows {
      var corner = song + row * windowRows * map.rowStride
      for _ in 0..<pooled.columns {
        for channel in stride(from: 0, to: width, by: vectorWidth) {
          var best = Vector.load(corner + channel)
          var line = corner + channel
          for _ in 0..<windowRows {
            for column in 0..<windowColumns { best = best.larger(Vector.load(line + column * width)) }
            line += map.rowStride
          }
          (best + Vector.load(shift + channel)).exponentialLinear.store(target + channel)
        }
        target += width
        corner += windowColumns * width
      }
    }
  }

  /// Sum of a song's map and sum of squares about the song's own mean, per channel: two passes over values that
  /// are still in cache, instead of one that cancels.
  public func moments(
    _ song: UnsafePointer<Float>, sums: UnsafeMutablePointer<Float>, squares: UnsafeMutablePointer<Float>
  ) {
    let width = map.channelStride
    let share = 1 / Float(map.positions)
    for channel in stride(from: 0, to: width, by: vectorWidth) {
      var sum = Vector.zero
      var address = song + channel
      for _ in 0..<map.positions {
        sum += Vector.load(address)
        address += width
      }
      let mean = sum * share
      var square = Vector.zero
      address = song + channel
      for _ in 0..<map.positions {
        let distance = Vector.load(address) - mean
        square = square.addingProduct(distance, distance)
        address += width
      }
      sum.store(sums + channel)
      square.store(squares + channel)
    }
  }

  /// Turns a song's raw output y into the gradient for it, in place: every position gets `constant + slope·y`, the
  /// dense terms of batch norm's derivative, and the winner of each window `scale·g` on top, g being the pooled
  /// gradient.
  public func expandGradient(
    _ song: UnsafeMutablePointer<Float>, pooledGradient: UnsafePointer<Float>, argmax: UnsafePointer<UInt8>,
    scale: UnsafePointer<Float>, constant: UnsafePointer<Float>, slope: UnsafePointer<Float>
  ) {
    let width = map.channelStride
    for row in 0..<map.rows {
      let pooledRow = row / windowRows
      for column in 0..<map.columns {
        let pooledColumn = column / windowColumns
        let address = song + (row * map.columns + column) * width
        let inside = pooledRow < pooled.rows && pooledColumn < pooled.columns
        let source = (pooledRow * pooled.columns + pooledColumn) * width
        let position = Int32(truncatingIfNeeded: row % windowRows * windowColumns + column % windowColumns)
        for channel in stride(from: 0, to: width, by: vectorWidth) {
          var gradient = Vector.load(constant + channel)
            .addingProduct(Vector.load(slope + channel), Vector.load(address + channel))
          if inside {
            let wins = loadArgmax(argmax + source + channel) .== SIMD16<Int32>(repeating: position)
            let sparse = Vector.load(pooledGradient + source + channel) * Vector.load(scale + channel)
            gradient += Vector.zero.replacing(with: sparse, where: wins)
          }
          gradient.store(address + channel)
        }
      }
    }
  }
}

/// Takes a value where it is larger than the best so far: the first of equals stays.
@_transparent
func compete(
  _ value: Vector, _ position: Int32, _ best: inout Vector, _ winner: inout SIMD16<Int32>
) {
  let wins = best .< value
  best = best.replacing(with: value, where: wins)
  winner = winner.replacing(with: SIMD16<Int32>(repeating: position), where: wins)
}

/// Transparent, and lane by lane, since the standard library's conversions between vectors are functions, to which a
/// vector goes in quarters; of this the compiler makes a few instructions.
@_transparent
func storeArgmax(_ argmax: SIMD16<Int32>, _ address: UnsafeMutablePointer<UInt8>) {
  for lane in 0..<vectorWidth { address[lane] = UInt8(truncatingIfNeeded: argmax[lane]) }
}

@_transparent
func loadArgmax(_ address: UnsafePointer<UInt8>) -> SIMD16<Int32> {
  var argmax = SIMD16<Int32>.zero
  for lane in 0..<vectorWidth { argmax[lane] = Int32(address[lane]) }
  return argmax
}
