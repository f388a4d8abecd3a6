import Diagnosis
import MessagePassing
import Tags

/// What reading all records of a source of Last.fm tags came to.
struct TagsRead: Encodable {
  private struct TagRow: Encodable {
    let tag: String
    let records: Int
  }

  private let path: String
  private let survey: TagSurvey
  private let top: Int
  private let minimumWeight: Double

  /// Reads all files of a tree. Collective.
  init(_ path: String, _ tree: LastFMTree, _ reading: SongReading, top: Int) throws {
    minimumWeight = reading.options.minimumTagWeight
    survey = try TagSurvey(
      of: tree, minimumWeight: minimumWeight, communicator: reading.communicator, progress: reading.recordsRead)
    (self.path, self.top) = (path, top)
  }

  /// Looks up all tracks of a database. Collective.
  init(_ path: String, _ database: LastFMDatabase, _ reading: SongReading, top: Int) throws {
    minimumWeight = reading.options.minimumTagWeight
    survey = try TagSurvey(
      of: database, minimumWeight: minimumWeight, communicator: reading.communicator, progress: reading.recordsRead
    )
    (self.path, self.top) = (path, top)
  }

  private enum Key: String, CodingKey {
    case recordsRead = "records_read"
    case withTags = "with_tags"
    case withoutTags = "without_tags"
    case badRecords = "bad_records"
    case misnamed = "misnamed_records"
    case distinctTags = "distinct_tags"
    case tagsOfRecords = "tags_of_records"
    case topTags = "top_tags"
    case skipped = "skipped_records"
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode(survey.read, forKey: .recordsRead)
    try document.encode(survey.withTags, forKey: .withTags)
    try document.encode(survey.read - survey.withTags, forKey: .withoutTags)
    try document.encode(survey.bad, forKey: .badRecords)
    try document.encode(survey.misnamed, forKey: .misnamed)
    try document.encode(survey.tags.count, forKey: .distinctTags)
    try document.encode(survey.pairs, forKey: .tagsOfRecords)
    try document.encode(
      survey.tags.prefix(top).map { TagRow(tag: $0.name, records: $0.records) }, forKey: .topTags)
    try document.encode(skipped, forKey: .skipped)
  }

  private var skipped: SkippedDisplay { SkippedDisplay(survey.skipped, count: survey.skipped.count) }

  var text: String {
    let weight = minimumWeight > 0 ? " of weight \(minimumWeight) or more" : ""
    var parts = [
      table([
        ("records read", "\(survey.read)"), ("with tags" + weight, "\(survey.withTags)"),
        ("without", "\(survey.read - survey.withTags)"), ("that cannot be read", "\(survey.bad)"),
        ("different tags", "\(survey.tags.count)"), ("tags of records", "\(survey.pairs)"),
      ])
    ]
    let rows = survey.tags.prefix(top).map { (name: "  \($0.name)", value: "\($0.records)") }
    if !rows.isEmpty { parts.append(table([("the most frequent tags, and records with them", "")] + rows)) }
    if survey.misnamed > 0 {
      parts.append("\(survey.misnamed) records are in files named after another track")
    }
    let lines = skipped.lines(rest: "--json tells")
    if !lines.isEmpty {
      parts.append((["\(survey.skipped.count) records could not be read"] + lines).joined(separator: "\n"))
    }
    return parts.joined(separator: "\n\n")
  }

  /// Throws where no record could be read.
  func check() throws {
    guard survey.read == 0 else { return }
    throw Failure(.badData, "\(path): none of its \(survey.bad) records could be read").knownToAllRanks
  }
}

/// Last.fm's tags as one SQLite file.
struct DatabaseInspection: Inspection {
  private let counts: (tracks: Int, tags: Int, pairs: Int)
  private let read: TagsRead?

  /// Collective.
  init(_ path: String, _ reading: SongReading, top: Int) throws {
    let database = try reading.communicator.agree { try LastFMDatabase(path) }
    counts = try reading.communicator.agree { try database.counts() }
    if !reading.isQuick { _ = try reading.communicator.agree { try database.makeUpForIndexes() } }
    read = reading.isQuick || counts.tracks == 0 ? nil : try TagsRead(path, database, reading, top: top)
  }

  private enum Key: CodingKey { case kind, tracks, tags, pairs }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    try document.encode("lastfm_database", forKey: .kind)
    try document.encode(counts.tracks, forKey: .tracks)
    try document.encode(counts.tags, forKey: .tags)
    try document.encode(counts.pairs, forKey: .pairs)
    try read?.encode(to: encoder)
  }

  var text: String {
    let facts = table([
      ("a database of Last.fm tags", ""), ("tracks", "\(counts.tracks)"), ("tags", "\(counts.tags)"),
      ("pairs of both", "\(counts.pairs)"),
    ])
    return [facts, read?.text ?? ""].filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  func check() throws { try read?.check() }
}
