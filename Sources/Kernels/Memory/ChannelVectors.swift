/// A few values for every channel of a map, each a padded run of floats: what batch normalisation comes down to
/// in the passes over a map.
public final class ChannelVectors {
  public let channels: Int
  public let stride: Int
  private let storage: AlignedBuffer
  private let rows: Int

  public init(channels: Int, rows: Int) {
    self.channels = channels
    self.rows = rows
    stride = padded(channels)
    storage = AlignedBuffer(count: rows * stride)
  }

  @inline(__always)
  public subscript(_ row: Int) -> UnsafeMutablePointer<Float> { storage.start + row * stride }
}
