/// Who wins a pooling window whose largest values are too close to tell apart in single precision.
///
/// The winner decides where the window's gradient goes, so a value that is off by a rounding error can move a whole
/// gradient: two runs that should differ in their last bits (other ranks, other blocks) would part at every such
/// window. Values closer than `closeness` are therefore computed once more, directly and in double precision, and
/// the first of exact equals wins, as in Keras. docs/convolution.md tells what this is worth.
public struct TieRule {
  /// Distance below which two values of a channel are computed again, `[channel, padded]`, 0 in the padding.
  let closeness: UnsafePointer<Float>
  /// The exact value at a row and a column of the map in a channel.
  let exact: (_ row: Int, _ column: Int, _ channel: Int) -> Double

  public init(closeness: UnsafePointer<Float>, exact: @escaping (Int, Int, Int) -> Double) {
    self.closeness = closeness
    self.exact = exact
  }

  /// The position (row-major in the window) with the largest exact value among those whose rounded value is close
  /// to the best.
  func winner(
    rows: Int, columns: Int, row: Int, column: Int, channel: Int, best: Float, value: (Int) -> Float
  ) -> Int {
    var winner = 0
    var largest = -Double.infinity
    for position in 0..<rows * columns where value(position) >= best - closeness[channel] {
      let exact = exact(row + position / columns, column + position % columns, channel)
      if exact > largest {
        largest = exact
        winner = position
      }
    }
    return winner
  }
}

/// One output of a 3×3 same convolution, directly and in double precision: `map` is a song's
/// `[row][column][channel]`, `kernel` `[9][input][output, padded]`.
package func directOutput(
  _ map: UnsafePointer<Float>, _ shape: MapShape, _ kernel: UnsafePointer<Float>, outputStride: Int, row: Int,
  column: Int, channel: Int
) -> Double {
  var sum = 0.0
  for tap in 0..<9 {
    let (r, c) = (row + tap / 3 - 1, column + tap % 3 - 1)
    guard r >= 0, r < shape.rows, c >= 0, c < shape.columns else { continue }
    let source = map + (r * shape.columns + c) * shape.channelStride
    let weights = kernel + tap * shape.channels * outputStride + channel
    for i in 0..<shape.channels { sum += Double(source[i]) * Double(weights[i * outputStride]) }
  }
  return sum
}
