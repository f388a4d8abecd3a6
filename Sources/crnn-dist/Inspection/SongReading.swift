import Diagnosis
import FileTrees
import MessagePassing
import Preparation
import Segments
import Snapshots
import Tags

/// How `inspect` is to go through songs.
struct SongReading {
  let options: PreparationOptions
  let segments: Lengths
  let thresholds: Thresholds
  /// The path before `.skipped.tsv`; nil: no lists.
  let lists: String?
  /// Whether all songs that could not be read are to be named.
  let namesAll: Bool
  /// Whether no file is read.
  let isQuick: Bool
  let communicator: any Communicator
  let progress: (PreparationProgress) -> Void

  /// Reads all songs of these files, which are those that the options name. Collective. Nil where no file is to be
  /// read.
  func songs(of tracks: FileTree? = nil) throws -> SongsRead? {
    guard !isQuick else { return nil }
    let survey = try SongSurvey(
      options, tracks: tracks, lists: lists, namesAll: namesAll, communicator: communicator, progress: progress)
    return SongsRead(survey, self)
  }

  /// Shows how many records have been read.
  func recordsRead(_ done: Int, of total: Int) {
    progress(PreparationProgress(phase: .readingRecords, done: done, total: total))
  }
}

/// What reading all songs of a tree, a list or an aggregate came to.
struct SongsRead: Encodable {
  private struct Counts: Encodable {
    let files, read, badFiles, duplicates, misnamed: Int
    /// Nil where there are no tags, as are the others.
    let joined, withoutRecord, badRecords, mismatched: Int?

    enum CodingKeys: String, CodingKey {
      case files, read
      case badFiles = "bad_files"
      case duplicates, misnamed, joined
      case withoutRecord = "without_record"
      case badRecords = "bad_records"
      case mismatched
    }
  }

  private struct FunnelRow: Encodable {
    let segments: SegmentChoice
    let funnel: Funnel

    private enum Key: CodingKey { case segments }

    func encode(to encoder: any Encoder) throws {
      var row = encoder.container(keyedBy: Key.self)
      try row.encode(segments, forKey: .segments)
      try funnel.encode(to: encoder)
    }
  }

  private let path: String
  private let survey: SongSurvey
  private let hasTags: Bool
  private let funnels: [FunnelRow]
  private let distribution: DistributionDisplay
  private let skipped: SkippedDisplay
  private let lists: String?
  private let tagsFrom: String

  init(_ survey: SongSurvey, _ reading: SongReading) {
    self.survey = survey
    let options = reading.options
    path = options.trackFiles
    hasTags = options.hasTags
    funnels =
      options.hasTags
      ? reading.segments.values.map { FunnelRow(segments: $0, funnel: survey.funnel(for: $0)) } : []
    distribution = DistributionDisplay(survey.distribution, hasTags: hasTags, thresholds: reading.thresholds)
    skipped = SkippedDisplay(survey.skipped, count: survey.skippedCount)
    lists = reading.lists
    let source = options.lastFMTags ?? "the track files, \(options.tagSource.rawValue)"
    tagsFrom =
      source + (survey.join.map { ", joined by \($0.rawValue)" } ?? "")
      + ", from weight \(options.minimumTagWeight) on"
  }

  // MARK: For machines

  private enum Key: String, CodingKey {
    case songs, counts, funnels, tags, join, distribution, skipped, mismatches, notes
  }

  private struct MismatchRow: Encodable {
    let trackID, differsIn, trackArtist, lastfmArtist, trackTitle, lastfmTitle: String

    init(_ mismatch: Mismatch) {
      trackID = mismatch.trackID
      differsIn = mismatch.field.rawValue
      (trackArtist, lastfmArtist) = (mismatch.trackArtist, mismatch.recordArtist)
      (trackTitle, lastfmTitle) = (mismatch.trackTitle, mismatch.recordTitle)
    }

    enum CodingKeys: String, CodingKey {
      case trackID = "track_id"
      case differsIn = "differs_in"
      case trackArtist = "track_artist"
      case lastfmArtist = "lastfm_artist"
      case trackTitle = "track_title"
      case lastfmTitle = "lastfm_title"
    }
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    let counts = survey.counts
    try document.encode(counts.funnel.read, forKey: .songs)
    try document.encode(
      Counts(
        files: counts.funnel.files, read: counts.funnel.read, badFiles: counts.badFiles,
        duplicates: counts.duplicates,
        misnamed: counts.misnamed, joined: hasTags ? counts.funnel.joined : nil,
        withoutRecord: hasTags ? counts.withoutRecord : nil, badRecords: hasTags ? counts.badRecords : nil,
        mismatched: hasTags ? counts.mismatched : nil), forKey: .counts)
    try document.encode(distribution, forKey: .distribution)
    try document.encode(skipped, forKey: .skipped)
    guard let vocabulary = survey.vocabulary else { return }
    try document.encode(funnels, forKey: .funnels)
    try document.encode(vocabulary.names, forKey: .tags)
    try document.encodeIfPresent(survey.join?.rawValue, forKey: .join)
    try document.encode(survey.mismatches.map(MismatchRow.init), forKey: .mismatches)
    try document.encode(survey.notes, forKey: .notes)
  }

  // MARK: As text

  /// One row, or two.
  var facts: [(name: String, value: String)] {
    let funnel = survey.counts.funnel
    let songs = [("songs read", "\(funnel.read) of \(funnel.files)")]
    guard let vocabulary = survey.vocabulary else { return songs }
    return songs + [("tags from", tagsFrom), ("vocabulary", "\(vocabulary.count) tags")]
  }

  /// Paragraphs to stand behind the facts.
  var text: String {
    var parts = survey.notes.isEmpty ? [] : [survey.notes.joined(separator: "\n")]
    parts += funnels.map { "with --segments \($0.segments)\n\($0.funnel.table())" }
    if !distribution.text.isEmpty { parts.append(distribution.text) }
    let losses = survey.counts.losses.map { loss in
      loss.text + (loss.list.flatMap { list in lists.map { ": \($0).\(list).tsv" } } ?? "")
    }
    let lost = losses + skipped.lines(rest: "--json and --lists PREFIX tell")
    if !lost.isEmpty { parts.append(lost.joined(separator: "\n")) }
    return parts.joined(separator: "\n\n")
  }

  /// Throws where no song could be read.
  func check() throws {
    let funnel = survey.counts.funnel
    guard funnel.read == 0 else { return }
    throw Failure(.badData, "\(path): none of its \(funnel.files) songs could be read").knownToAllRanks
  }
}
