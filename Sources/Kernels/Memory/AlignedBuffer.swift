#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A fixed run of numbers that starts on a cache line and is zero at first. Allocated once, never resized.
///
/// Large runs are mapped and offered to the kernel for huge pages: the transforms of a convolution write to
/// dozens of streams at once, more than the first-level TLB has entries for small pages.
public final class AlignedRun<Scalar: BitwiseCopyable> {
  public let count: Int
  public let start: UnsafeMutablePointer<Scalar>
  private let base: UnsafeMutableRawPointer
  /// Bytes mapped, or 0 where the run came from the allocator.
  private let mappedBytes: Int

  private static var hugePage: Int { 2 << 20 }

  public init(count: Int) {
    precondition(count >= 0)
    self.count = count
    // A vector more: register tiles read whole tiles, also of the last row.
    let bytes = count * MemoryLayout<Scalar>.stride + MemoryLayout<Vector>.stride
    if bytes >= 2 * Self.hugePage {
      let length = bytes + Self.hugePage
      let mapped = mmap(nil, length, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
      guard let mapped, mapped != MAP_FAILED else {
        fatalError("out of memory: \(bytes >> 20) MiB for a buffer of the network")
      }
      base = mapped
      mappedBytes = length
      let address = (UInt(bitPattern: mapped) + UInt(Self.hugePage - 1)) & ~UInt(Self.hugePage - 1)
      let aligned = UnsafeMutableRawPointer(bitPattern: address)!
      madvise(aligned, bytes, MADV_HUGEPAGE)
      start = aligned.bindMemory(to: Scalar.self, capacity: count)
    } else {
      base = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
      base.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
      mappedBytes = 0
      start = base.bindMemory(to: Scalar.self, capacity: count)
    }
  }

  deinit {
    if mappedBytes > 0 { munmap(base, mappedBytes) } else { base.deallocate() }
  }

  /// The whole run. Like `start` it does not keep the buffer alive.
  public var all: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: start, count: count) }

  public func zero() { memset(start, 0, count * MemoryLayout<Scalar>.stride) }
}

/// Maps, weights: everything that is computed with.
public typealias AlignedBuffer = AlignedRun<Float>
/// Sums over songs.
public typealias AlignedSums = AlignedRun<Double>
