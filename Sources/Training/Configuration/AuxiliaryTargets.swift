import Tags

/// The words beside the tags that a head of its own learns: of each source so many of those that most training songs have.
public struct AuxiliaryTargets: Sendable, Equatable, LosslessStringConvertible {
  /// Words of one source.
  public struct Part: Sendable, Equatable {
    public var source: AuxiliarySource
    public var count: Int
  }

  /// In the order of the sources, each once; at least one.
  public let parts: [Part]

  /// Nil where the text is not like `artist-terms:150` or `artist-terms:150,similar-artists:150`.
  public init?(_ text: String) {
    var counts: [AuxiliarySource: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let words = part.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard words.count == 2, let source = AuxiliarySource(rawValue: String(words[0])), counts[source] == nil,
        let count = Int(words[1]), (1...source.most).contains(count)
      else { return nil }
      counts[source] = count
    }
    guard counts.values.reduce(0, +) <= AuxiliarySource.mostOfAll else { return nil }
    parts = AuxiliarySource.allCases.compactMap { source in counts[source].map { Part(source: source, count: $0) }
    }
  }

  public var description: String { parts.map { "\($0.source.rawValue):\($0.count)" }.joined(separator: ",") }

  /// The most words of all sources together.
  public var count: Int { parts.reduce(0) { $0 + $1.count } }

  /// What a snapshot must keep for them.
  var sources: AuxiliarySources { AuxiliarySources(Set(parts.map(\.source)))! }

  static let forms =
    "artist-terms:K, the K terms that most training songs have, or similar-artists:K, the K (up to 1000) artists "
    + "that most are said to be like, or both, such as artist-terms:150,similar-artists:150"
}
