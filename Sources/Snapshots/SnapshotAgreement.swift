import Diagnosis
import Segments
import Tags

/// What a snapshot says twice, compared. Each reader looks at one of the two, so a file in which they differ would mean
/// one thing to one command and another to the next.
struct SnapshotAgreement {
  let path: String
  let segments: SegmentChoice
  let features: FeatureSelection
  /// Segments that are kept of each song.
  let kept: [Int]
  let tags: [String]
  let record: SnapshotRecord
  /// Songs with a tag.
  let tagged: Int

  private var songs: Int { kept.count }
  private var keepsUntagged: Bool { record.options.untagged == true }

  /// - Parameter segmentCounts: how many segments each song has in all.
  /// - Throws: `badData`, naming both places and what stands there.
  func check(segmentCounts: [Int32]) throws {
    try checkOptions()
    try checkCounts()
    try checkLengths(segmentCounts)
    try checkDistribution(segmentCounts)
  }

  private func refuse(_ place: String, _ found: some Any, _ other: String, _ expected: some Any) throws -> Never {
    throw Failure(
      .badData,
      "\(path): a damaged snapshot: \(place) is \(found), but \(other) is \(expected), expected the same",
      remedy: "make it again with crnn-dist prepare")
  }

  /// The options against what is there of them.
  private func checkOptions() throws {
    let options = record.options
    if options.segments != segments {
      try refuse("segments in its attribute options", options.segments, "the attribute segments", segments)
    }
    if options.features != features {
      try refuse(
        "features in its attribute options", options.features.rawValue, "the attribute features", features.rawValue
      )
    }
    switch try? VocabularyRule(options.tags) {
    case .paper where tags != Vocabulary.paper.names:
      try refuse(
        "tags in its attribute options", "paper", "what /tags/names holds",
        "a vocabulary of \(tags.count) other tags")
    case .top(let most) where tags.count > most:
      try refuse("tags in its attribute options", options.tags, "the number of /tags/names", tags.count)
    default: break
    }
  }

  /// The funnel against the number of songs, and each step of it against what it lost.
  private func checkCounts() throws {
    let counts = record.counts
    let funnel = counts.funnel
    let sums = [
      ("files", funnel.files, "read + bad_files + duplicates", funnel.read + counts.badFiles + counts.duplicates),
      (
        "read", funnel.read, "joined + without_record + bad_records + mismatched",
        funnel.joined + counts.withoutRecord + counts.badRecords + counts.mismatched
      ),
      ("joined", funnel.joined, "long_enough + too_short", funnel.longEnough + counts.tooShort),
      ("long_enough", funnel.longEnough, "tagged + untagged", funnel.tagged + counts.untagged),
    ]
    for (name, found, parts, sum) in sums where found != sum {
      try refuse("\(name) in its attribute counts", found, "\(parts) there", sum)
    }
    if !keepsUntagged, funnel.tagged != songs {
      try refuse("tagged in its attribute counts", funnel.tagged, "the attribute songs", songs)
    }
    if keepsUntagged, funnel.tagged != tagged {
      try refuse("tagged in its attribute counts", funnel.tagged, "the number of songs with a label", tagged)
    }
  }

  /// Each song's own number of segments against those that are kept.
  private func checkLengths(_ counts: [Int32]) throws {
    let limits = Int32(1)...Int32(SegmentLimits.mostInTrackFile)
    for (song, (count, kept)) in zip(counts, kept).enumerated() {
      guard limits.contains(count) else {
        throw Failure(
          .badData,
          "\(path): a damaged snapshot: /songs/segment_count of song \(song) (counted from 0) is \(count), expected "
            + "\(limits.lowerBound) to \(limits.upperBound)", remedy: "make it again with crnn-dist prepare")
      }
      let fits = segments == .all ? kept == min(Int(count), record.options.longest) : kept <= count
      guard !fits else { continue }
      let cut = segments == .all && count > kept ? ", and whole songs are cut after \(record.options.longest)" : ""
      throw Failure(
        .badData,
        "\(path): a damaged snapshot: /songs/segment_count of song \(song) (counted from 0) is \(count), but \(kept) of "
          + "its segments are kept\(cut)", remedy: "make it again with crnn-dist prepare")
    }
  }

  /// The distribution of lengths against the funnel, and against the songs themselves.
  private func checkDistribution(_ counts: [Int32]) throws {
    let all = record.distribution.songs(withAtLeast: 0)
    let long = record.distribution.songs(withAtLeast: segments.fewest)
    let funnel = record.counts.funnel
    for (column, sum, name, expected) in [
      ("read", all.read, "read", funnel.read), ("joined", all.joined, "joined", funnel.joined),
      ("joined from \(segments.fewest) segments on", long.joined, "long_enough", funnel.longEnough),
    ] where sum != expected {
      try refuse("the sum of /distribution/\(column)", sum, "\(name) in its attribute counts", expected)
    }
    var found = [Int](repeating: 0, count: 1 + Int(counts.max() ?? 0))
    for count in counts { found[Int(count)] += 1 }
    // Where songs without a tag are kept, so are all that were read.
    let said = record.distribution.songs.filter { $0.key >= segments.fewest }
      .mapValues { keepsUntagged ? $0.read : $0.tagged }
    let lengths = Set(found.indices.filter { found[$0] > 0 }).union(said.keys)
    for length in lengths.sorted() {
      let songs = length < found.count ? found[length] : 0
      if said[length] ?? 0 != songs {
        try refuse(
          "/distribution/tagged of \(length) segments", said[length] ?? 0,
          "the number of such songs by /songs/segment_count", songs)
      }
    }
  }
}
