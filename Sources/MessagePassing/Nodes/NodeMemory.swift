import Synchronization

// check-layers: raw memory, because it is what processes share.

/// Memory that all ranks of a node see: zeros at first. It lasts as long as the communicator that made it.
public final class NodeMemory: @unchecked Sendable {
  public let bytes: UnsafeMutableRawBufferPointer
  /// Whether this object frees the memory; else MPI does.
  private let isOwn: Bool

  /// - Parameter bytes: from a boundary on.
  init(bytes: UnsafeMutableRawBufferPointer, isOwn: Bool = false) {
    precondition(UInt(bitPattern: bytes.baseAddress) % UInt(Self.boundary) == 0, "node memory off its boundary")
    self.bytes = bytes
    self.isOwn = isOwn
  }

  deinit { if isOwn { bytes.deallocate() } }

  /// Memory of one rank alone.
  public static func ofOneRank(bytes count: Int) -> NodeMemory {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, count), alignment: boundary)
    memory.initializeMemory(as: UInt8.self, repeating: 0)
    return NodeMemory(bytes: memory, isOwn: true)
  }

  /// What every part begins at: two lines of the cache, which processors fetch in pairs.
  public static let boundary = 128

  /// Bytes that a part takes, up to where the next can begin.
  public static func room(_ bytes: Int) -> Int { (bytes + boundary - 1) / boundary * boundary }
}

/// Counters in memory that several ranks see. What a rank has written before it sets a counter, others see once they have
/// seen the counter.
public struct SharedCounters {
  private let start: UnsafeMutableRawPointer
  public let count: Int

  /// Bytes that so many counters take.
  public static func bytes(_ count: Int) -> Int { count * NodeMemory.boundary }

  /// - Parameters:
  ///   - start: of zeros, or of counters that another rank has made here.
  ///   - count: how many counters there are.
  public init(at start: UnsafeMutableRawPointer, count: Int) {
    self.start = start
    self.count = count
  }

  private func counter(_ number: Int) -> UnsafeMutablePointer<Atomic<Int>> {
    // An atomic integer is laid out like the integer, and zeros are one that holds 0.
    (start + number * NodeMemory.boundary).assumingMemoryBound(to: Atomic<Int>.self)
  }

  public func set(_ number: Int, to value: Int) { counter(number).pointee.store(value, ordering: .releasing) }

  public func value(_ number: Int) -> Int { counter(number).pointee.load(ordering: .acquiring) }

  /// Whether the counters of this range have come so far.
  public func have(_ numbers: Range<Int>, reached value: Int) -> Bool {
    for number in numbers where self.value(number) < value { return false }
    return true
  }
}
