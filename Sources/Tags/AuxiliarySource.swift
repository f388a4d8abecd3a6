import TrackFiles

/// Words beside the tags that songs come with in their own files: targets that a network can learn from, never what it sees.
public enum AuxiliarySource: String, Sendable, Codable, CaseIterable {
  /// The Echo Nest's terms of a song's artist, with weights from 0 to 1.
  case artistTerms = "artist-terms"
  /// The artists that the Echo Nest finds like a song's own, up to 100, of whom a snapshot keeps those that most songs
  /// have.
  case similarArtists = "similar-artists"

  package var artistTags: ArtistTags {
    switch self {
    case .artistTerms: .terms
    case .similarArtists: .similarArtists
    }
  }

  /// The most words of it that a network can learn.
  public var most: Int {
    switch self {
    case .artistTerms: Self.mostOfAll
    case .similarArtists: Self.mostSimilarArtists
    }
  }

  /// The most words of all sources together that a network can learn.
  public static let mostOfAll = 65_536

  /// Of the artists that songs' artists are like, those that most songs have are kept. Each song has up to a hundred, of whom
  /// nobody learns but the most frequent.
  public static let mostSimilarArtists = 1_000

  /// Whether a snapshot's word is one of its own.
  public func has(_ word: String) -> Bool {
    ArtistTags.isSimilarArtist(word) == (self == .similarArtists)
  }
}

/// Which of them are kept, always in the same order; as a text: names with commas between them.
public struct AuxiliarySources: RawRepresentable, Sendable, Equatable {
  public let sources: [AuxiliarySource]

  /// Nil for none.
  public init?(_ sources: Set<AuxiliarySource>) {
    guard !sources.isEmpty else { return nil }
    self.sources = AuxiliarySource.allCases.filter(sources.contains)
  }

  /// Nil where a name is unknown, there twice, or there is none.
  public init?(rawValue text: String) {
    let names = text.split(separator: ",", omittingEmptySubsequences: false)
    let sources = Set(names.compactMap { AuxiliarySource(rawValue: String($0)) })
    guard sources.count == names.count else { return nil }
    self.init(sources)
  }

  public var rawValue: String { sources.map(\.rawValue).joined(separator: ",") }

  package var artistTags: [ArtistTags] { sources.map(\.artistTags) }

  /// What can be said, for messages and help.
  public static let forms = "a list of \(AuxiliarySource.allCases.map(\.rawValue).joined(separator: ", "))"
}
