import Diagnosis
import FileAccess
import Texts
import TrackFiles

/// The tags that a tagger knows, in the order of its outputs. Names are compared byte by byte, case and all.
///
///     let vocabulary = try Vocabulary(["rock", "jazz"])
///     let labels = vocabulary.labels(of: tags, minimumWeight: 0)
public struct Vocabulary: Sendable, Equatable {
  public let names: [String]
  private let positions: [ExactText: Int]

  /// The most tags that a network may have.
  public static let largestSize = 65_536

  /// - Throws: `badData` for no tag, too many, an empty one or the same twice; `source` stands for the origin in
  ///   the message.
  public init(_ names: [String], source: String = "vocabulary") throws {
    guard !names.isEmpty else { throw Failure(.badData, "\(source): found no tag, expected one a line") }
    guard names.count <= Vocabulary.largestSize else {
      throw Failure(
        .badData, "\(source): found \(names.count) tags, expected at most \(Vocabulary.largestSize)")
    }
    var positions: [ExactText: Int] = [:]
    for (index, name) in names.enumerated() {
      guard !name.isEmpty else { throw Failure(.badData, "\(source): tag \(index + 1) is empty") }
      if let first = positions.updateValue(index, forKey: ExactText(name)) {
        throw Failure(.badData, "\(source): tag \(index + 1), \"\(name)\", is the same as tag \(first + 1)")
      }
    }
    self.names = names
    self.positions = positions
  }

  public var count: Int { names.count }

  public func index(of tag: String) -> Int? { positions[ExactText(tag)] }

  public static func == (first: Vocabulary, second: Vocabulary) -> Bool {
    first.names.map(ExactText.init) == second.names.map(ExactText.init)
  }

  /// One value a tag of the vocabulary: 1 where the song has it with at least this weight.
  public func labels(of tags: [WeightedTag], minimumWeight: Double) -> [UInt8] {
    var labels = [UInt8](repeating: 0, count: count)
    for tag in tags where tag.weight >= minimumWeight {
      if let index = index(of: tag.name) { labels[index] = 1 }
    }
    return labels
  }

  /// The 50 tags of the paper, most frequent first.
  public static let paper = Vocabulary(
    knownGood: [
      "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "favorites", "Love", "dance", "00s",
      "alternative rock", "jazz", "beautiful", "singer-songwriter", "metal", "chillout", "male vocalists",
      "Awesome",
      "classic rock", "soul", "indie rock", "Mellow", "electronica", "80s", "folk", "british", "90s", "chill",
      "american", "instrumental", "punk", "oldies", "seen live", "blues", "hard rock", "cool", "Favorite",
      "ambient",
      "acoustic", "experimental", "Favourites", "female vocalist", "guitar", "Hip-Hop", "70s", "party", "country",
      "easy listening", "sexy", "catchy",
    ])

  private init(knownGood names: [String]) {
    self.names = names
    positions = Dictionary(uniqueKeysWithValues: names.enumerated().map { (ExactText($1), $0) })
  }
}

extension Vocabulary {
  /// Reads a list: UTF-8, one tag a line; empty lines are left out, blanks inside and around a tag are kept.
  public init(listAt path: String) throws {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: 16 << 20)
    } catch {
      if case .system = error { throw Failure(.missingInput, "\(path): cannot read the list of tags: \(error)") }
      throw Failure(.badData, "\(path): the list of tags \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw Failure(.badData, "\(path): the list of tags is not UTF-8 text")
    }
    let lines = text.split(whereSeparator: \.isNewline).map(String.init)
    try self.init(lines, source: path)
  }

  /// The `limit` tags with the highest counts; equal counts in the order of the names' bytes.
  package static func mostFrequent(_ limit: Int, of counts: [ExactText: Int]) throws -> Vocabulary {
    let order = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return try Vocabulary(order.prefix(limit).map(\.key.text), source: "--tags top:\(limit)")
  }
}
