import Diagnosis
import FileTrees
import MessagePassing
import Sampling
import Segments
import Snapshots
import Texts
import TrackFiles

/// One reading of all songs, by all ranks together.
///
/// The files are taken in batches in the order of their names, each rank a part of the batch. An aggregate that turns
/// up among them is taken in batches of rows, again each rank a part, before the files behind it go on. So the
/// songs come in the order of files and rows whatever the number of ranks, and a rank never holds more than its part
/// of one batch.
///
/// What a rank will read is known from the start, so the next batch is being read while the ranks exchange what is in
/// this one.
final class SongPass {
  typealias Kept = (song: SongRow, values: [SegmentValues])

  private let files: FileTree
  private let examiner: SongExaminer
  private let fileStream: TrackStream
  /// Made for the first aggregate.
  private lazy var rowStream = TrackStream(examiner.reader)
  private let batchSize: Int
  private let isStrict: Bool
  private let communicator: any Communicator
  private let progress: (_ done: Int, _ total: Int) -> Void
  private let handOn: (SongTally, [Kept]) throws -> Void
  /// The track ids so far in the whole job; every rank holds the same.
  private var seen = TrackIDSet()
  private var done = 0
  private var total: Int

  /// - Parameters:
  ///   - batchSize: songs of a batch, over all ranks.
  ///   - isStrict: whether a bad file is the end.
  ///   - progress: told songs done and in all; an aggregate that is not reached yet counts as one.
  ///   - handOn: takes what a rank's part of a batch came to; rank by rank, these are the songs in order.
  init(
    over files: FileTree, _ examiner: SongExaminer, batchSize: Int, isStrict: Bool,
    communicator: any Communicator, progress: @escaping (_ done: Int, _ total: Int) -> Void,
    handOn: @escaping (SongTally, [Kept]) throws -> Void
  ) {
    self.files = files
    self.examiner = examiner
    fileStream = TrackStream(examiner.reader)
    self.batchSize = batchSize
    self.isStrict = isStrict
    self.communicator = communicator
    self.progress = progress
    self.handOn = handOn
    total = files.count
  }

  /// Collective. Throws what `handOn` throws and, where it is strict, `badData` for a bad file.
  func run() throws {
    let files = files
    fileStream.add(ownIndices(of: files.count).lazy.map { SongLocation(files.path($0)) })
    try inBatches(of: files.count) { batch in
      let findings = try findings(batch, fileStream) { SongLocation(files.path($0)) }
      try settle(findings) { position, songs in
        try takeAggregate(files.path(batch.lowerBound + position), songs: songs)
      }
    }
  }

  private func takeAggregate(_ path: String, songs: Int) throws {
    total += songs - 1
    rowStream.add(ownIndices(of: songs).lazy.map { SongLocation(path, row: $0) })
    try inBatches(of: songs) { batch in
      try settle(try findings(batch, rowStream) { SongLocation(path, row: $0) }) { _, _ in
        throw Failure(.fault, "\(path): an aggregate within an aggregate")
      }
    }
  }

  private func inBatches(of count: Int, _ body: (Range<Int>) throws -> Void) throws {
    for batch in batches(of: count) { try body(batch) }
  }

  private func batches(of count: Int) -> some Sequence<Range<Int>> {
    let size = batchSize
    return stride(from: 0, to: count, by: size).lazy.map { $0..<min($0 + size, count) }
  }

  /// This rank's parts of all batches.
  private func ownIndices(of count: Int) -> some Sequence<Int> {
    let (rank, size) = (communicator.rank, communicator.size)
    return batches(of: count).lazy.flatMap { share(of: $0, rank: rank, size: size) }
  }

  /// Reads and joins this rank's part of a batch.
  private func findings(
    _ batch: Range<Int>, _ stream: TrackStream, _ location: (Int) -> SongLocation
  ) throws -> [SongExaminer.Finding] {
    let own = share(of: batch, rank: communicator.rank, size: communicator.size)
    return try communicator.agree {
      var readings: [SongExaminer.Reading] = []
      for index in own {
        progress(done + min((index - own.lowerBound) * communicator.size, batch.count), total)
        let reading = examiner.read(location(index), from: stream)
        if isStrict, case .failure(let file) = reading.result { throw file.failure }
        readings.append(reading)
      }
      let findings = examiner.join(readings)
      for finding in findings {
        if isStrict, case .read(_, .badRecord(let record)) = finding.outcome { throw record.failure }
      }
      return findings
    }
  }

  /// Hands on a batch, of each track id the first song alone, and where an aggregate stands in it calls `expand`
  /// with its place in the batch and its songs.
  private func settle(
    _ findings: [SongExaminer.Finding], expand: (_ position: Int, _ songs: Int) throws -> Void
  ) throws {
    let marks = try exchanged(findings.map(\.mark))
    let own = marks[..<communicator.rank].reduce(0) { $0 + $1.count }
    let all = marks.flatMap { $0 }
    var position = 0
    while position < all.count {
      let end = all[position...].firstIndex { $0.songs != nil } ?? all.count
      if position < end {
        let isNew = all[position..<end].map { $0.trackID.isEmpty || seen.insert($0.trackID) }
        let part = max(position, own)..<max(position, own, min(end, own + findings.count))
        try handOn(part.map { (findings[$0 - own], isNew[$0 - position]) })
        done += end - position
      }
      if end < all.count { try expand(end, all[end].songs ?? 0) }
      progress(done, total)
      position = end + 1
    }
  }

  /// Counts findings and takes the songs that are to be kept out of them.
  private func handOn(_ findings: [(finding: SongExaminer.Finding, isNew: Bool)]) throws {
    var tally = SongTally()
    var kept: [Kept] = []
    for (finding, isNew) in findings {
      if !isNew {
        tally.addDuplicate(finding)
      } else if let song = tally.add(finding, examiner) {
        kept.append(song)
      }
    }
    try handOn(tally, kept)
  }

  /// What every rank found in its part of a batch, in brief.
  private func exchanged(_ own: [SongExaminer.Mark]) throws -> [[SongExaminer.Mark]] {
    var message = PackedWriter()
    message.write(own.count)
    for mark in own {
      message.write(mark.trackID)
      message.write(mark.songs ?? 0)
    }
    return try communicator.allgather(message).map { reader in
      var reader = reader
      return try (0..<(try reader.readInt())).map { _ in
        let trackID = try reader.readText()
        let songs = try reader.readInt()
        return SongExaminer.Mark(trackID: trackID, songs: songs == 0 ? nil : songs)
      }
    }
  }
}
