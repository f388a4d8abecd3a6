import Kernels

/// Maps that a convolution takes its input from, and where it leaves the gradient for them.
protocol MapSource: AnyObject {
  var activated: AlignedBuffer { get }
  var gradient: AlignedBuffer { get }
}

extension ConvolutionBlock: MapSource {}

/// The first block of the network, with the batch norm of the input that stands before it.
protocol InputBlock: AnyObject {
  /// Where the next layer finds its input.
  var source: any MapSource { get }
  /// Floats of scratch that its passes need; blocks share it.
  var scratchCount: Int { get }

  func forward(
    _ batch: Batch, _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?,
    scratch: AlignedBuffer) throws
  func infer(_ batch: Batch, _ shape: BatchShape, scratch: AlignedBuffer)
  /// Needs the source's gradient.
  func backward(
    _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws
}

/// One input channel: everything from the rows of the input on is fused.
extension PatchBlock: InputBlock {
  var source: any MapSource { self }
  var scratchCount: Int { 0 }

  func forward(
    _ batch: Batch, _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?,
    scratch: AlignedBuffer
  ) throws {
    try forward(batch, shape, dropout: dropout, statistics: statistics)
  }

  func infer(_ batch: Batch, _ shape: BatchShape, scratch: AlignedBuffer) { infer(batch, shape) }

  func backward(
    _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    try backward(shape, dropout: dropout, statistics: statistics)
  }
}

/// Several input channels: maps of the normalised input, convolved like any others.
final class ChannelBlock: InputBlock {
  private let maps: InputMaps
  private let block: TileBlock

  init(maps: InputMaps, block: TileBlock) {
    self.maps = maps
    self.block = block
  }

  var source: any MapSource { block }
  var scratchCount: Int { block.scratchCount }

  func forward(
    _ batch: Batch, _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?,
    scratch: AlignedBuffer
  ) throws {
    try maps.load(batch, shape, statistics: statistics)
    try block.forward(maps, shape, songs: batch.songs, dropout: dropout, statistics: statistics, scratch: scratch)
  }

  func infer(_ batch: Batch, _ shape: BatchShape, scratch: AlignedBuffer) {
    maps.loadForInference(batch, shape)
    block.infer(maps, shape, scratch: scratch)
  }

  func backward(
    _ shape: BatchShape, dropout: DropoutMask?, statistics: (any BatchStatisticsReduction)?, scratch: AlignedBuffer
  ) throws {
    try block.backward(maps, shape, dropout: dropout, statistics: statistics, scratch: scratch)
    maps.backward(shape)
  }
}
