/// A convolution of many channels.
package struct ConvolutionShape: Sendable {
  package let rows: Int
  /// Of the longest song.
  package let columns: Int
  package let inputChannels: Int
  package let outputChannels: Int
  /// Parts of a map that are finished by themselves have a multiple of so many rows: the height of a pooling window.
  package let windowRows: Int

  package init(rows: Int, columns: Int, inputChannels: Int, outputChannels: Int, windowRows: Int = 1) {
    self.rows = rows
    self.columns = columns
    self.inputChannels = inputChannels
    self.outputChannels = outputChannels
    self.windowRows = windowRows
  }
}

/// A 3×3 same convolution of maps with many channels, forward and backward. The product has one, `WinogradConvolution`;
/// the tests hold it against a plain one by putting that in its place.
package protocol MapConvolution: AnyObject {
  /// Floats of scratch that forward and backward need; layers that run one after the other share it.
  var scratchCount: Int { get }

  /// Rows of the parts that a map is finished and prepared in, from the top; the last part may have fewer.
  var rowsOfPart: Int { get }

  /// Takes the kernel `[3][3][input][output, padded]`, every output channel to be multiplied by its sign, or, in
  /// inference, by its batch norm's scale; `forTraining` where a backward pass will follow.
  func prepareWeights(_ kernel: UnsafePointer<Float>, signs: UnsafePointer<Float>, forTraining: Bool)

  /// Convolves the maps of `songs`. `finished` is called once for each part of each song, with the song's number and the
  /// part's rows, on the thread that wrote it, while it is still in that core's cache. A song's result must not depend on the songs that come with it.
  func forward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], to target: UnsafeMutablePointer<Float>,
    scratch: AlignedBuffer, finished: (Int, Range<Int>) -> Void)

  /// Gradients of a batch. `prepare` is called once for each part of each song before its output gradient is read,
  /// so that it can be made while it stays in cache. Writes the gradient for the input, and for the kernel,
  /// `[3][3][input][output, padded]`, signs undone; `kernelIsDone` is called when the latter is there, which may be long
  /// before the end.
  func backward(
    _ source: UnsafePointer<Float>, songs: [SongSpan], outputGradient: UnsafePointer<Float>,
    inputGradient: UnsafeMutablePointer<Float>, kernelGradient: UnsafeMutablePointer<Double>,
    scratch: AlignedBuffer, prepare: (Int, Range<Int>) -> Void, kernelIsDone: () -> Void)
}

/// Makes the convolution of a layer.
package typealias ConvolutionMaker = @Sendable (ConvolutionShape, ThreadTeam) -> any MapConvolution
