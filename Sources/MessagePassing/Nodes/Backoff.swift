#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// How a rank waits for others that are about to come: it looks again at once, then lets other threads of its processor
/// go first, then sleeps between looks, since a processor that many ranks share is better used by those waited for.
public struct Backoff {
  private var looks = 0
  private static let atOnce = 100
  private static let yielding = 1_000

  public init() {}

  /// How often one has looked in vain.
  public var count: Int { looks }

  public mutating func pause() {
    looks += 1
    if looks < Self.atOnce { return }
    if looks < Self.yielding {
      sched_yield()
    } else {
      usleep(50)
    }
  }
}
