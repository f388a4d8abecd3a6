/// A 3×3 same convolution of maps with many channels, forward and backward. The product has one, `TileConvolution`;
/// the tests hold it against a plain one by putting that in its place.
package protocol MapConvolution: AnyObject {
  /// Floats of scratch that forward and backward need; layers that run one after the other share it.
  var scratchCount: Int { get }

  /// Takes the kernel `[3][3][input][output, padded]`, every output channel to be multiplied by its sign, or, in
  /// inference, by its batch norm's scale.
  func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>)

  /// Convolves the maps of `songs`. `finished` is called once for each song, on the thread that wrote its output, while
  /// the output is still in that core's cache. With `wholeBlocks` a song's result must not depend on how many
  /// songs came with it.
  func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer,
    wholeBlocks: Bool, finished: (Int) -> Void)

  /// One output of a song's map with the signs of the last `prepareWeights`, directly and in double precision.
  func exactOutput(
    _ source: UnsafePointer<Float>, song: SongSpan, row: Int, column: Int, channel: Int
  ) -> Double

  /// Gradients of a batch. `prepare` is called once for each song before its output gradient is read, so that it
  /// can be made while it stays in cache. Writes the gradient for the input.
  func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, scratch: AlignedBuffer, prepare: (Int) -> Void)

  /// Writes the kernel's gradient of the last `backward`, `[3][3][input][output, padded]`, signs undone.
  func writeKernelGradient(_ gradient: UnsafeMutablePointer<Float>, signs: UnsafePointer<Float>)
}

/// Makes the convolution of a layer: rows, columns of the longest song, input channels, output channels, threads.
package typealias ConvolutionMaker = (Int, Int, Int, Int, ThreadTeam) -> any MapConvolution
