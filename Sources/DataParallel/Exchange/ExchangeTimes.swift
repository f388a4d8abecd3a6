import Kernels

/// When the buckets of a step were ready, on their way and there, on one rank's clock (seconds, `StepProfile.now`).
public struct ExchangeTimes: Sendable {
  public struct Bucket: Sendable {
    /// When this rank had its gradients; when all ranks of its node had; when the sum was there.
    public fileprivate(set) var ready = 0.0
    public fileprivate(set) var begun = 0.0
    public fileprivate(set) var finished = 0.0
  }

  public private(set) var buckets: [Bucket] = []
  /// Between which the rank did nothing but wait for sums.
  public private(set) var waiting: (from: Double, to: Double) = (0, 0)

  init(buckets: Int = 0) { self.buckets = Array(repeating: Bucket(), count: buckets) }

  mutating func begin() {
    for bucket in buckets.indices { buckets[bucket] = Bucket() }
    waiting = (0, 0)
  }

  mutating func ready(_ bucket: Int) { buckets[bucket].ready = StepProfile.now() }
  mutating func begun(_ bucket: Int) { buckets[bucket].begun = StepProfile.now() }
  mutating func finished(_ bucket: Int) { buckets[bucket].finished = StepProfile.now() }
  mutating func beginWaiting() { waiting.from = StepProfile.now() }
  mutating func endWaiting() { waiting.to = StepProfile.now() }

  /// Seconds in which the rank did nothing but wait for sums.
  public var unhidden: Double { waiting.to - waiting.from }

  /// Seconds in which sums were under way while the rank computed.
  public var hidden: Double {
    var (seconds, end) = (0.0, 0.0)
    for bucket in buckets where bucket.begun > 0 {
      let start = max(bucket.begun, end)
      let stop = min(bucket.finished, waiting.from)
      if stop > start { seconds += stop - start }
      end = max(end, stop)
    }
    return seconds
  }
}
