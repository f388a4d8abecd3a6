import Preparation

/// The words beside the tags that a head of its own learns: so many of those that most training songs have.
public struct AuxiliaryTargets: Sendable, Equatable, LosslessStringConvertible {
  public var source: AuxiliarySource
  public var count: Int

  /// Nil where the text is not like `artist-terms:150`.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, let source = AuxiliarySource(rawValue: String(parts[0])), let count = Int(parts[1]),
      (1...65_536).contains(count)
    else { return nil }
    self.source = source
    self.count = count
  }

  public var description: String { "\(source.rawValue):\(count)" }

  static let forms = "artist-terms:K, the K terms that most training songs have, such as artist-terms:150"
}
