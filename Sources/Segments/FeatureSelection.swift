/// Which features a song is judged by, of its segments and of the whole song, always in the same order.
///
/// As a text: names with commas between them, `both` for pitches and timbre, `all` for everything.
public struct FeatureSelection: RawRepresentable, Sendable, Hashable {
  /// Of segments: the network's input, value after value.
  public let features: [Feature]
  /// Of whole songs.
  public let ofSong: [SongFeature]

  public static let pitches = FeatureSelection([.pitches])
  public static let timbre = FeatureSelection([.timbre])
  public static let both = FeatureSelection([.pitches, .timbre])
  /// Everything that track files tell.
  public static let all = FeatureSelection(Set(Feature.ofSegments), ofSong: Set(SongFeature.allCases))
  /// Of spectrogram files, alone.
  public static let spectrogram = FeatureSelection([.spectrogram])

  public init(_ features: Set<Feature>, ofSong: Set<SongFeature> = []) {
    self.features = Feature.allCases.filter(features.contains)
    self.ofSong = SongFeature.allCases.filter(ofSong.contains)
  }

  /// Nil where a name is unknown, there twice, or there is none, and where a spectrogram is not alone.
  public init?(rawValue text: String) {
    switch text {
    case "both": self = .both
    case "all": self = .all
    case Feature.spectrogram.rawValue: self = .spectrogram
    default:
      let names = text.split(separator: ",", omittingEmptySubsequences: false).map {
        String($0.drop { $0 == " " })
      }
      let features = names.compactMap(Feature.init(rawValue:)).filter { $0 != .spectrogram }
      let ofSong = names.compactMap(SongFeature.init(rawValue:))
      guard features.count + ofSong.count == names.count, Set(names).count == names.count else { return nil }
      self.init(Set(features), ofSong: Set(ofSong))
    }
  }

  /// The same text for the same selection; that of pitches and timbre is as old as the program.
  public var rawValue: String {
    // Not compared as a whole: values that have a text are equal where their texts are.
    features == [.pitches, .timbre] && ofSong.isEmpty
      ? "both" : (features.map(\.rawValue) + ofSong.map(\.rawValue)).joined(separator: ",")
  }

  /// What can be said, for messages and help.
  public static let forms =
    "a list of \((Feature.ofSegments.map(\.rawValue) + SongFeature.allCases.map(\.rawValue)).joined(separator: ", ")), "
    + "or both (pitches,timbre), or all"

  /// Those of segments, in sentences.
  public var words: String { Self.words(features.map(\.rawValue)) }
  /// Those of whole songs, in sentences.
  public var songWords: String { Self.words(ofSong.map(\.rawValue)) }

  private static func words(_ names: [String]) -> String {
    guard let last = names.last, names.count > 1 else { return names.first ?? "nothing" }
    return names.dropLast().joined(separator: ", ") + " and " + last
  }

  /// Whether everything that `other` asks for is in it.
  public func contains(_ other: FeatureSelection) -> Bool {
    other.features.allSatisfy(features.contains) && other.ofSong.allSatisfy(ofSong.contains)
  }

  /// Those of them that are rows of twelve.
  public var rows: FeatureSelection { FeatureSelection(Set(features.filter { $0.width == Feature.rows })) }

  /// Whether they are of segments and songs, not of a spectrogram's frames.
  public var isOfSegments: Bool { features != [.spectrogram] }

  /// Values of a segment.
  public var width: Int { features.reduce(0) { $0 + $1.width } }
  /// Numbers of a song.
  public var songWidth: Int { ofSong.reduce(0) { $0 + $1.width } }
  /// Whether each value of a segment is one of twelve: a pitch class, or a coefficient.
  public var hasRows: Bool { !features.isEmpty && features.allSatisfy { $0.width == Feature.rows } }
}

/// The text, so that files keep what they had.
extension FeatureSelection: Codable {
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let text = try container.decode(String.self)
    guard let selection = FeatureSelection(rawValue: text) else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "expected \(Self.forms)")
    }
    self = selection
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    try container.encode(rawValue)
  }
}
