import Texts

/// A tag of a song and its weight, in the terms of its source: Last.fm's are 0 to 100, the most given tag of the song
/// having 100.
public struct WeightedTag: Equatable, Sendable {
  public var name: String
  public var weight: Double

  public init(name: String, weight: Double) {
    self.name = name
    self.weight = weight
  }
}

extension [WeightedTag] {
  /// The names that count, each once: those of at least this weight.
  package func counted(from minimumWeight: Double) -> Set<ExactText> {
    Set(filter { $0.weight >= minimumWeight && !$0.name.isEmpty }.map { ExactText($0.name) })
  }
}
