import Tags
import TrackFiles

/// Says what becomes of songs: finds their tags, joins, measures and labels them.
struct SongExaminer {
  var reader: TrackReader
  var tags: any SongTags
  var join: JoinRule
  var labelling: Labelling
  var minimumTagWeight: Double
  /// Shorter songs are left out.
  var fewestSegments: Int
  /// Whether songs without a tag are kept too.
  var keepsUntagged = false

  /// What is done with the tags of a song that joined.
  enum Labelling {
    /// They are looked up in the vocabulary.
    case tags(Vocabulary)
    /// They are counted, to make a vocabulary; no song is labelled.
    case counting
    /// Nothing.
    case none
  }

  /// Judges what was read, all at once: a source of tags may find many sooner than one by one.
  func judge(_ readings: [TrackReading]) -> [SongVerdict] {
    let tracks = readings.compactMap { if case .success(.song(let track)) = $0.result { track } else { nil } }
    var lookups = tags.records(of: tracks)[...]
    return readings.map { reading in
      switch reading.result {
      case .failure(let file): SongVerdict(location: reading.location, outcome: .unreadable(file))
      case .success(.aggregate(let songs)):
        SongVerdict(location: reading.location, outcome: .aggregate(songs: songs))
      case .success(.song(let track)): verdict(on: track, at: reading.location, lookups.removeFirst())
      }
    }
  }

  private func verdict(on track: Track, at location: SongLocation, _ lookup: TagLookup) -> SongVerdict {
    func lost(_ loss: SongVerdict.Loss) -> SongVerdict {
      SongVerdict(
        location: location, outcome: .unjoined(track, loss),
        candidate: keepsUntagged && track.segmentCount >= fewestSegments ? candidate(track, []) : nil)
    }
    switch lookup {
    case .none: return lost(.withoutRecord)
    case .bad(let file): return lost(.badRecord(file))
    case .found(let record):
      if let mismatch = join.difference(between: track, and: record) { return lost(.mismatched(mismatch)) }
      return verdict(on: track, at: location, tags: record.tags)
    }
  }

  /// The verdict on a song that is joined.
  private func verdict(on track: Track, at location: SongLocation, tags: [WeightedTag]) -> SongVerdict {
    let labels = labels(of: tags)
    let isTagged = labels.contains(1)
    guard track.segmentCount >= fewestSegments else {
      return SongVerdict(location: location, outcome: .tooShort(track, isTagged: isTagged))
    }
    return SongVerdict(
      location: location, outcome: isTagged ? .kept(track, labels: labels) : .untagged(track),
      candidate: candidate(track, tags))
  }

  private func labels(of tags: [WeightedTag]) -> [UInt8] {
    guard case .tags(let vocabulary) = labelling else { return [] }
    return vocabulary.labels(of: tags, minimumWeight: minimumTagWeight)
  }

  private func candidate(_ track: Track, _ tags: [WeightedTag]) -> Candidate? {
    guard case .counting = labelling else { return nil }
    let counted = tags.counted(from: minimumTagWeight)
    return counted.isEmpty && !keepsUntagged
      ? nil : Candidate(trackID: track.trackID, artistID: track.artistID, tags: counted)
  }

  /// What is kept of a song, where it is kept: also without a tag, where such songs are, and whether joined or not.
  func kept(_ verdict: SongVerdict) -> (track: Track, labels: [UInt8])? {
    guard case .tags(let vocabulary) = labelling else { return nil }
    switch verdict.outcome {
    case .kept(let track, let labels): return (track, labels)
    case .untagged(let track), .unjoined(let track, _):
      guard keepsUntagged, track.segmentCount >= fewestSegments else { return nil }
      return (track, [UInt8](repeating: 0, count: vocabulary.count))
    case .unreadable, .aggregate, .duplicate, .tooShort: return nil
    }
  }
}
