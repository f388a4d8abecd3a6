/// How often a checkpoint is written: `5` or `5epochs`, `100steps`, `600s`. Counted in steps or seconds there is
/// one at the end of every epoch too.
public enum CheckpointInterval: Sendable, Equatable, LosslessStringConvertible {
  case epochs(Int)
  case steps(Int)
  case seconds(Int)

  /// Nil where the text is no such interval.
  public init?(_ text: String) {
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let count = Int(digits), (1...1_000_000_000).contains(count) else { return nil }
    switch text.dropFirst(digits.count) {
    case "", "epoch", "epochs": self = .epochs(count)
    case "step", "steps": self = .steps(count)
    case "s", "seconds": self = .seconds(count)
    default: return nil
    }
  }

  public var description: String {
    switch self {
    case .epochs(let count): "\(count)"
    case .steps(let count): "\(count)steps"
    case .seconds(let count): "\(count)s"
    }
  }
}
