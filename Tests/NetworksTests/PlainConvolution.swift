import Kernels

/// The convolution as most programs compute it: patches copied into a matrix (im2col), one product a song. The
/// reference path that the fast one is trained against.
final class PlainConvolution: MapConvolution {
  private let input: MapShape
  private let output: MapShape
  private let weights: AlignedBuffer
  private let weightGradients: AlignedBuffer
  private let songGradients: AlignedBuffer
  private var signs: UnsafePointer<Float>?

  init(_ shape: ConvolutionShape, _: ThreadTeam) {
    input = MapShape(rows: shape.rows, columns: shape.columns, channels: shape.inputChannels)
    output = MapShape(rows: shape.rows, columns: shape.columns, channels: shape.outputChannels)
    weights = AlignedBuffer(count: 9 * input.channels * output.channelStride)
    weightGradients = AlignedBuffer(count: weights.count)
    songGradients = AlignedBuffer(count: weights.count)
  }

  var rowsOfPart: Int { input.rows }
  private var patchWidth: Int { 9 * input.channels }
  /// A song's patches, and the same transposed.
  var scratchCount: Int { 2 * input.positions * patchWidth }

  func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>, forTraining: Bool) {
    self.signs = signs
    for i in 0..<weights.count { weights.start[i] = kernel[i] * signs[i % output.channelStride] }
  }

  func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer, finished: (Int, Range<Int>) -> Void
  ) {
    for (song, span) in songs.enumerated() {
      let input = input.shape(of: span)
      gather(source + input.offset(span), input, scratch.start)
      MatrixProduct.multiply(
        rows: input.positions, columns: output.channelStride, inner: patchWidth, a: scratch.start,
        aStride: patchWidth, b: weights.start, bStride: output.channelStride,
        c: target + output.offset(span), cStride: output.channelStride)
      finished(song, 0..<input.rows)
    }
  }

  func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    scratch: AlignedBuffer, prepare: (Int, Range<Int>) -> Void, kernelIsDone: () -> Void
  ) {
    weightGradients.zero()
    for (song, span) in songs.enumerated() {
      prepare(song, 0..<input.rows)
      let input = input.shape(of: span)
      let gradient = outputGradient + output.offset(span)
      gather(source + input.offset(span), input, scratch.start)
      let transposed = scratch.start + input.positions * patchWidth
      transpose(scratch.start, rows: input.positions, to: transposed)
      MatrixProduct.multiply(
        rows: patchWidth, columns: output.channelStride, inner: input.positions, a: transposed,
        aStride: input.positions, b: gradient, bStride: output.channelStride, c: songGradients.start,
        cStride: output.channelStride)
      for i in 0..<weights.count { weightGradients.start[i] += songGradients.start[i] }
      MatrixProduct.multiplyTransposedRight(
        rows: input.positions, columns: patchWidth, inner: output.channels, a: gradient,
        aStride: output.channelStride, b: weights.start, bStride: output.channelStride, c: scratch.start,
        cStride: patchWidth)
      scatter(scratch.start, input, inputGradient + input.offset(span))
    }
    for i in 0..<weights.count {
      kernelGradient[i] = Double(weightGradients.start[i] * signs![i % output.channelStride])
    }
    kernelIsDone()
  }

  private func gather(_ map: UnsafePointer<Float>, _ input: MapShape, _ patches: UnsafeMutablePointer<Float>) {
    forEachTap(input) { patch, position in
      let target = patches + patch
      if let position {
        target.update(from: map + position * input.channelStride, count: input.channels)
      } else {
        target.update(repeating: 0, count: input.channels)
      }
    }
  }

  private func transpose(
    _ patches: UnsafePointer<Float>, rows: Int, to transposed: UnsafeMutablePointer<Float>
  ) {
    for row in 0..<rows {
      for column in 0..<patchWidth { transposed[column * rows + row] = patches[row * patchWidth + column] }
    }
  }

  private func scatter(_ patches: UnsafePointer<Float>, _ input: MapShape, _ map: UnsafeMutablePointer<Float>) {
    map.update(repeating: 0, count: input.songStride)
    forEachTap(input) { patch, position in
      guard let position else { return }
      let (source, target) = (patches + patch, map + position * input.channelStride)
      for channel in 0..<input.channels { target[channel] += source[channel] }
    }
  }

  /// Where each tap of each position's patch lies in the matrix and in the map (nil outside).
  @inline(__always)
  private func forEachTap(_ input: MapShape, _ body: (Int, Int?) -> Void) {
    for row in 0..<input.rows {
      for column in 0..<input.columns {
        for tap in 0..<9 {
          let (r, c) = (row + tap / 3 - 1, column + tap % 3 - 1)
          let isInside = r >= 0 && r < input.rows && c >= 0 && c < input.columns
          body(
            (row * input.columns + column) * patchWidth + tap * input.channels,
            isInside ? r * input.columns + c : nil)
        }
      }
    }
  }
}
