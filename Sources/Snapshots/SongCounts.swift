/// Where the songs went: the funnel, and what each step lost for which reason.
public struct SongCounts: Codable, Equatable, Sendable {
  public var funnel = Funnel()
  /// Songs that could not be read; a file that cannot be opened counts as one.
  public var badFiles = 0
  /// Songs whose track id another one before them has.
  public var duplicates = 0
  /// Track files whose name is not their track id; a warning, they count.
  public var misnamed = 0
  /// Songs read without a Last.fm record.
  public var withoutRecord = 0
  /// Songs whose Last.fm record could not be read.
  public var badRecords = 0
  /// Songs whose Last.fm record is another song's by the join rule.
  public var mismatched = 0
  /// Joined songs with fewer segments than asked for.
  public var tooShort = 0
  /// Joined, long enough, without a tag of the vocabulary.
  public var untagged = 0

  public init() {}

  enum CodingKeys: String, CodingKey {
    case funnel
    case badFiles = "bad_files"
    case duplicates, misnamed
    case withoutRecord = "without_record"
    case badRecords = "bad_records"
    case mismatched
    case tooShort = "too_short"
    case untagged
  }

  /// The numbers in a fixed order, for exchange.
  package static let fields: [WritableKeyPath<SongCounts, Int> & Sendable] = [
    \.funnel.files, \.funnel.read, \.funnel.joined, \.funnel.longEnough, \.funnel.tagged, \.badFiles, \.duplicates,
    \.misnamed, \.withoutRecord, \.badRecords, \.mismatched, \.tooShort, \.untagged,
  ]

  public static func += (total: inout SongCounts, more: SongCounts) {
    for field in fields { total[keyPath: field] += more[keyPath: field] }
  }
}
