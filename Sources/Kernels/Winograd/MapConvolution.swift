/// A 3×3 same convolution of maps with many channels, forward and backward. The product has one, `WinogradConvolution`;
/// the tests hold it against a plain one by putting that in its place.
package protocol MapConvolution: AnyObject {
  /// Floats of scratch that forward and backward need; layers that run one after the other share it.
  var scratchCount: Int { get }

  /// Takes the kernel `[3][3][input][output, padded]`, every output channel to be multiplied by its sign, or, in
  /// inference, by its batch norm's scale; `forTraining` where a backward pass will follow.
  func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>, forTraining: Bool)

  /// Convolves the maps of `songs`. `finished` is called once for each song, on the thread that wrote its output,
  /// while the output is still in that core's cache. A song's result must not depend on the songs that come with it.
  func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer, finished: (Int) -> Void)

  /// Gradients of a batch. `prepare` is called once for each song before its output gradient is read, so that it
  /// can be made while it stays in cache. Writes the gradient for the input, and for the kernel,
  /// `[3][3][input][output, padded]`, signs undone; `kernelIsDone` is called when the latter is there, which may be long
  /// before the end.
  func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    scratch: AlignedBuffer, prepare: (Int) -> Void, kernelIsDone: () -> Void)
}

/// Makes the convolution of a layer: rows, columns of the longest song, input channels, output channels, threads.
package typealias ConvolutionMaker = @Sendable (Int, Int, Int, Int, ThreadTeam) -> any MapConvolution
