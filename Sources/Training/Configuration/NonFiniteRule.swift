/// What happens to a step whose loss or gradient is not finite: `stop`, or `skip` and `skip:K`, which leave out up to K
/// such steps in a row.
public enum NonFiniteRule: Sendable, Equatable, LosslessStringConvertible {
  case stop
  case skip(atMost: Int)

  /// Steps in a row that `skip` alone leaves out.
  public static let usualSkips = 10

  /// Nil where the text is no such rule.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    switch (parts.first, parts.count) {
    case ("stop", 1): self = .stop
    case ("skip", 1): self = .skip(atMost: Self.usualSkips)
    case ("skip", 2):
      guard let count = Int(parts[1]), (1...1_000_000_000).contains(count) else { return nil }
      self = .skip(atMost: count)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .stop: "stop"
    case .skip(let count): "skip:\(count)"
    }
  }
}
