import FileTrees
import MessagePassing
import Segments
import Snapshots
import Tags
import Texts
import TrackFiles

/// What a share of the track files amounts to: counts, and the files and songs to be listed.
struct SongTally {
  var counts = SongCounts()
  var distribution = SegmentDistribution()
  var skipped: [SkippedFile] = []
  var mismatches: [Mismatch] = []
  /// Songs whose tags may be counted; collected only where a vocabulary is made of them, and not exchanged.
  var candidates: [Candidate] = []

  /// Takes in one finding; returns the song where it passed every step.
  mutating func add(_ finding: SongExaminer.Finding, _ examiner: SongExaminer) -> (
    song: SongRow, values: [SegmentValues]
  )? {
    counts.funnel.files += 1
    guard case .read(let track, let joining) = finding.outcome else {
      if case .skipped(let file) = finding.outcome {
        counts.badFiles += 1
        skipped.append(file)
      }
      return nil
    }
    counts.funnel.read += 1
    if finding.location.row == nil, TrackIdentifier.stem(ofPath: finding.location.path) != track.trackID {
      counts.misnamed += 1
    }
    guard case .joined(let record, let labels) = joining else {
      distribution.add(segments: track.segmentCount, joined: false, tagged: false)
      add(lost: joining)
      return nil
    }
    let tagged = labels.contains(1)
    counts.funnel.joined += 1
    distribution.add(segments: track.segmentCount, joined: true, tagged: tagged)
    guard track.segmentCount >= examiner.fewestSegments else {
      counts.tooShort += 1
      return nil
    }
    counts.funnel.longEnough += 1
    if case .counting = examiner.labelling { addCandidate(track, record.tags, examiner.minimumTagWeight) }
    let values = examiner.reader.features.features.compactMap { track[$0] }
    guard tagged else {
      counts.untagged += 1
      return nil
    }
    counts.funnel.tagged += 1
    return (SongRow(track, labels: labels), values)
  }

  /// Takes in a song whose track id an earlier one has.
  mutating func addDuplicate(_ finding: SongExaminer.Finding) {
    guard case .read(let track, _) = finding.outcome else { return }
    counts.funnel.files += 1
    counts.duplicates += 1
    skipped.append(
      SkippedFile(
        path: finding.location.description, cause: "a song before it has the same track id, \(track.trackID)"))
  }

  private mutating func add(lost joining: SongExaminer.Joining) {
    switch joining {
    case .withoutRecord: counts.withoutRecord += 1
    case .badRecord(let file):
      counts.badRecords += 1
      skipped.append(file)
    case .mismatched(let mismatch):
      counts.mismatched += 1
      mismatches.append(mismatch)
    case .joined: break
    }
  }

  private mutating func addCandidate(_ track: Track, _ tags: [WeightedTag], _ minimumWeight: Double) {
    let counted = Set(tags.filter { $0.weight >= minimumWeight && !$0.name.isEmpty }.map { ExactText($0.name) })
    guard !counted.isEmpty else { return }
    candidates.append(Candidate(trackID: track.trackID, artistID: track.artistID, tags: counted))
  }

  static func += (total: inout SongTally, more: SongTally) {
    total.counts += more.counts
    total.distribution += more.distribution
    total.skipped += more.skipped
    total.mismatches += more.mismatches
  }

  /// Lets go of what is listed beyond the first `most` of each kind.
  mutating func forget(beyond most: Int) {
    skipped.removeLast(max(0, skipped.count - most))
    mismatches.removeLast(max(0, mismatches.count - most))
  }
}

// MARK: - Exchange between ranks

extension SongTally {
  /// All ranks' tallies together, in the order of the files, on rank 0; nothing elsewhere. Collective.
  func gathered(_ communicator: any Communicator) throws -> SongTally {
    var message = PackedWriter()
    write(to: &message)
    var total = SongTally()
    for reader in try communicator.gatherToRoot(message) {
      var reader = reader
      total += try SongTally(from: &reader)
    }
    return total
  }

  func write(to message: inout PackedWriter) {
    for field in SongCounts.fields { message.write(counts[keyPath: field]) }
    message.write(distribution.songs.count)
    for (segments, songs) in distribution.songs {
      for value in [segments, songs.read, songs.joined, songs.tagged] { message.write(value) }
    }
    message.write(skipped.count)
    for file in skipped {
      message.write(file.path)
      message.write(file.cause)
    }
    message.write(mismatches.count)
    for mismatch in mismatches { mismatch.write(to: &message) }
  }

  init(from message: inout PackedReader) throws {
    for field in SongCounts.fields { counts[keyPath: field] = try message.readInt() }
    for _ in 0..<(try message.readInt()) {
      let segments = try message.readInt()
      distribution.add(
        segments: segments,
        .init(read: try message.readInt(), joined: try message.readInt(), tagged: try message.readInt()))
    }
    for _ in 0..<(try message.readInt()) {
      skipped.append(SkippedFile(path: try message.readText(), cause: try message.readText()))
    }
    for _ in 0..<(try message.readInt()) { mismatches.append(try Mismatch(from: &message)) }
  }
}

extension SongRow {
  init(_ track: Track, labels: [UInt8]) {
    self.init(
      trackID: track.trackID, title: track.title, artistName: track.artistName, artistID: track.artistID,
      segmentCount: track.segmentCount, labels: labels)
  }
}
