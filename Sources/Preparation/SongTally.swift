import FileTrees
import MessagePassing
import Segments
import Snapshots
import Tags
import Texts
import TrackFiles

/// Counts the verdicts on a share of the songs, and keeps the files and songs that are to be listed.
struct SongTally {
  var counts = SongCounts()
  var distribution = SegmentDistribution()
  var skipped: [SkippedFile] = []
  var mismatches: [Mismatch] = []
  /// Songs whose tags may be counted; collected only where a vocabulary is made of them, and not exchanged.
  var candidates: [Candidate] = []

  /// Counts what becomes of a location; that there is an aggregate is no song's.
  mutating func add(_ verdict: SongVerdict) {
    switch verdict.outcome {
    case .aggregate: return
    case .unreadable(let file):
      counts.badFiles += 1
      skipped.append(file)
    case .duplicate(let track):
      counts.duplicates += 1
      skipped.append(
        SkippedFile(
          path: verdict.location.description,
          cause: "a song before it has the same track id, \(track.trackID)"))
    case .unjoined(let track, let loss):
      addRead(track, joined: false, tagged: false)
      add(loss)
    case .tooShort(let track, let isTagged):
      addRead(track, joined: true, tagged: isTagged)
      counts.tooShort += 1
    case .untagged(let track):
      addRead(track, joined: true, tagged: false)
      counts.funnel.longEnough += 1
      counts.untagged += 1
    case .kept(let track, _):
      addRead(track, joined: true, tagged: true)
      counts.funnel.longEnough += 1
      counts.funnel.tagged += 1
    }
    counts.funnel.files += 1
    if verdict.isMisnamed { counts.misnamed += 1 }
    if let candidate = verdict.candidate { candidates.append(candidate) }
  }

  private mutating func addRead(_ track: Track, joined: Bool, tagged: Bool) {
    counts.funnel.read += 1
    if joined { counts.funnel.joined += 1 }
    distribution.add(segments: track.segmentCount, joined: joined, tagged: tagged)
  }

  private mutating func add(_ loss: SongVerdict.Loss) {
    switch loss {
    case .withoutRecord: counts.withoutRecord += 1
    case .badRecord(let file):
      counts.badRecords += 1
      skipped.append(file)
    case .mismatched(let mismatch):
      counts.mismatched += 1
      mismatches.append(mismatch)
    }
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
