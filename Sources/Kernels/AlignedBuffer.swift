/// A fixed run of floats that starts on a cache line and is zero at first. Allocated once, never resized.
public final class AlignedBuffer {
  public let count: Int
  public let start: UnsafeMutablePointer<Float>

  public init(count: Int) {
    precondition(count >= 0)
    self.count = count
    let bytes = max(count, 1) * MemoryLayout<Float>.stride
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
    start = raw.bindMemory(to: Float.self, capacity: max(count, 1))
  }

  deinit { UnsafeMutableRawPointer(start).deallocate() }

  /// The whole run.
  public var all: UnsafeMutableBufferPointer<Float> { UnsafeMutableBufferPointer(start: start, count: count) }

  public func zero() { start.update(repeating: 0, count: count) }
}
