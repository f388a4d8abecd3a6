import Synchronization

/// What buffers take, or would take.
public struct MemoryCount: Sendable, Equatable, Codable {
  /// Bytes that are computed with.
  public var bytes: Int
  /// Bytes of address space: more than that, since a large buffer begins on a huge page.
  public var addressSpace: Int
  /// Bytes of the first buffer that the system refused; nil: it gave all of them.
  public var refusedBytes: Int?

  public init(bytes: Int = 0, addressSpace: Int = 0, refusedBytes: Int? = nil) {
    self.bytes = bytes
    self.addressSpace = addressSpace
    self.refusedBytes = refusedBytes
  }

  /// Both together. A sum that no number holds is the largest number: no machine has so much either.
  public static func + (left: MemoryCount, right: MemoryCount) -> MemoryCount {
    MemoryCount(
      bytes: saturated(left.bytes, right.bytes), addressSpace: saturated(left.addressSpace, right.addressSpace),
      refusedBytes: left.refusedBytes ?? right.refusedBytes)
  }

  private static func saturated(_ left: Int, _ right: Int) -> Int {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
  }
}

/// Counts the buffers that are made inside a call.
///
/// Dozens of types make buffers in their initialisers, each where it needs them. Whoever wants to know what they come to
/// runs the same initialisers, and the buffers take no memory: a plan cannot differ from what is taken later.
///
///     let (_, plan) = MemoryAccount.counting(.planning) { GatedRecurrence(…) }
///
/// A buffer that the system refuses ends the program where nobody counts; here it is noted, none is asked for after it,
/// and the caller must not use what was made.
public final class MemoryAccount: Sendable {
  public enum Mode: Sendable {
    /// Buffers are counted, and must not be touched.
    case planning
    case taking
  }

  /// The account of the call that is under way on this thread, if any.
  @TaskLocal static var current: MemoryAccount?

  private let mode: Mode
  private let state = Mutex(MemoryCount())

  private init(_ mode: Mode) { self.mode = mode }

  /// Runs the body; the count is of the buffers that it made on the calling thread.
  public static func counting<Value>(
    _ mode: Mode, _ body: () throws -> Value
  ) rethrows -> (value: Value, count: MemoryCount) {
    let account = MemoryAccount(mode)
    let value = try $current.withValue(account, operation: body)
    return (value, account.state.withLock { $0 })
  }

  /// Counts a buffer. False: it gets no memory.
  func enter(bytes: Int, addressSpace: Int) -> Bool {
    state.withLock { count in
      count = count + MemoryCount(bytes: bytes, addressSpace: addressSpace)
      return mode == .taking && count.refusedBytes == nil
    }
  }

  /// Notes that the system refused a buffer.
  func noteRefusal(bytes: Int) { state.withLock { $0.refusedBytes = bytes } }
}

extension Array {
  /// Reserves room for so many elements, counted as buffers are.
  package mutating func reserveCounted(_ count: Int) {
    let (bytes, overflows) = count.multipliedReportingOverflow(by: MemoryLayout<Element>.stride)
    if let account = MemoryAccount.current {
      let taken = overflows ? Int.max : bytes
      guard account.enter(bytes: taken, addressSpace: taken) else { return }
    }
    reserveCapacity(count)
  }
}
