/// Something short that a thread does now and then between its tasks.
///
///     team.interlude = Interlude { exchange.poll() }
public final class Interlude {
  private let body: () -> Void
  private let interval: Double
  private var last = 0.0

  /// - Parameters:
  ///   - interval: seconds from one time to the next, at least.
  ///   - body: what the thread does each time.
  public init(every interval: Double = 0.3e-3, _ body: @escaping () -> Void) {
    self.body = body
    self.interval = interval
  }

  @inline(__always)
  func playIfDue() {
    let now = StepProfile.now()
    guard now - last >= interval else { return }
    body()
    last = StepProfile.now()
  }
}
