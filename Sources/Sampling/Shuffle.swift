/// How songs are put in a new order for each epoch.
public enum Shuffle: Sendable, Hashable {
  /// One permutation of all songs; which songs make up a global batch does not depend on the world size.
  case global
  /// Each rank keeps to its own shard of the songs and permutes that; no rank needs another's songs. The
  /// batches depend on the world size.
  case local
  /// As local, but from epoch to epoch this share of every shard is exchanged for others' songs (Nguyen et al. 2022,
  /// "Why globally re-shuffle?"): shards mix slowly, and ranks move few songs.
  case partial(Double)

  /// Whether a rank needs the songs of its shard only.
  public var hasShards: Bool { self != .global }
}

extension Shuffle: LosslessStringConvertible {
  public static let forms =
    "global, local or partial:F, F being the share of a shard that is exchanged, such as 0.1"

  public init?(_ text: String) {
    switch text {
    case "global": self = .global
    case "local": self = .local
    default:
      guard text.hasPrefix("partial:"), let share = Double(text.dropFirst(8)), share > 0, share <= 1 else {
        return nil
      }
      self = .partial(share)
    }
  }

  public var description: String {
    switch self {
    case .global: "global"
    case .local: "local"
    case .partial(let share): "partial:\(share)"
    }
  }
}
