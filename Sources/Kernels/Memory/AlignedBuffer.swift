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
  /// Of a run without memory (see `MemoryAccount`) an address that nothing can be at.
  public let start: UnsafeMutablePointer<Scalar>
  /// Nil: no memory was taken.
  private let base: UnsafeMutableRawPointer?
  /// Bytes mapped, or 0 where the run came from the allocator.
  private let mappedBytes: Int
  /// Whose memory the run lies in, where it is not its own.
  private let owner: AnyObject?

  private static var hugePage: Int { 2 << 20 }
  private static var cacheLine: Int { 64 }

  public init(count: Int) {
    precondition(count >= 0)
    self.count = count
    // A vector more: register tiles read whole tiles, also of the last row.
    let (values, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Scalar>.stride)
    let bytes = overflows ? Int.max - 2 * Self.hugePage : values + MemoryLayout<Vector>.stride
    let isMapped = bytes >= 2 * Self.hugePage
    mappedBytes = isMapped ? bytes + Self.hugePage : 0
    owner = nil
    let account = MemoryAccount.current
    let isTaken = account?.enter(bytes: bytes, addressSpace: max(bytes, mappedBytes)) ?? true
    base = isTaken ? isMapped ? Self.map(mappedBytes) : Self.allocate(bytes) : nil
    guard let base else {
      if isTaken {
        guard let account else { fatalError("out of memory: \(bytes >> 20) MiB for a buffer of the network") }
        account.noteRefusal(bytes: bytes)
      }
      start = UnsafeMutablePointer(bitPattern: Self.cacheLine)!
      return
    }
    let boundary = UInt(isMapped ? Self.hugePage : Self.cacheLine)
    let address = (UInt(bitPattern: base) + boundary - 1) & ~(boundary - 1)
    let aligned = UnsafeMutableRawPointer(bitPattern: address)!
    if isMapped { madvise(aligned, bytes, MADV_HUGEPAGE) }
    start = aligned.bindMemory(to: Scalar.self, capacity: count)
  }

  /// A run in memory that something else has taken, as it stands there.
  ///
  /// - Parameters:
  ///   - count: numbers of the run.
  ///   - start: on a cache line, with a vector's room behind the last number.
  ///   - owner: keeps the memory for as long as the run lasts.
  public init(count: Int, at start: UnsafeMutablePointer<Scalar>, of owner: AnyObject) {
    self.count = count
    self.start = start
    self.owner = owner
    (base, mappedBytes) = (nil, 0)
  }

  deinit {
    guard let base else { return }
    if mappedBytes > 0 { munmap(base, mappedBytes) } else { free(base) }
  }

  /// Nil where the system refuses.
  private static func map(_ bytes: Int) -> UnsafeMutableRawPointer? {
    let mapped = mmap(nil, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
    return mapped == MAP_FAILED ? nil : mapped
  }

  /// Nil where the system refuses.
  private static func allocate(_ bytes: Int) -> UnsafeMutableRawPointer? {
    var allocated: UnsafeMutableRawPointer?
    guard posix_memalign(&allocated, cacheLine, bytes) == 0, let allocated else { return nil }
    memset(allocated, 0, bytes)
    return allocated
  }

  /// The whole run. Like `start` it does not keep the buffer alive.
  public var all: UnsafeMutableBufferPointer<Scalar> { UnsafeMutableBufferPointer(start: start, count: count) }

  public func zero() { memset(start, 0, count * MemoryLayout<Scalar>.stride) }
}

/// Maps, weights: everything that is computed with.
public typealias AlignedBuffer = AlignedRun<Float>
/// Sums over songs.
public typealias AlignedSums = AlignedRun<Double>
