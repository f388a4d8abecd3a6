import Diagnosis
import FileTrees
import MessagePassing
import Sampling
import Segments
import Snapshots
import Tags
import Texts
import TrackFiles

/// Goes once through all songs, all ranks together.
///
/// The files are taken in batches in the order of their names, each rank a part of the batch. An aggregate that turns
/// up among them is taken in batches of rows, again each rank a part, before the files behind it go on. So the
/// songs come in the order of files and rows whatever the number of ranks, and a rank never holds more than its part
/// of one batch.
///
/// What a rank will read is known from the start, so the next batch is being read while the ranks exchange what is in
/// this one.
final class SongScan {
  /// A song that passed every step, and its values of each feature: of its segments, then of it as a whole.
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
    for batch in batches(of: files.count) {
      try settle(try verdicts(on: batch, from: fileStream)) { position, songs in
        try takeAggregate(files.path(batch.lowerBound + position), songs: songs)
      }
    }
  }

  private func takeAggregate(_ path: String, songs: Int) throws {
    total += songs - 1
    rowStream.add(ownIndices(of: songs).lazy.map { SongLocation(path, row: $0) })
    for batch in batches(of: songs) {
      try settle(try verdicts(on: batch, from: rowStream)) { _, _ in
        throw Failure(.fault, "\(path): an aggregate within an aggregate")
      }
    }
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

  /// Reads and judges this rank's part of a batch.
  private func verdicts(on batch: Range<Int>, from stream: TrackStream) throws -> [SongVerdict] {
    let own = share(of: batch, rank: communicator.rank, size: communicator.size)
    return try communicator.agree {
      var readings: [TrackReading] = []
      for place in 0..<own.count {
        progress(done + min(place * communicator.size, batch.count), total)
        guard let reading = stream.next() else { throw Failure(.fault, "the songs of a batch have run out") }
        if isStrict, case .failure(let file) = reading.result { throw file.failure }
        readings.append(reading)
      }
      let verdicts = examiner.judge(readings)
      if isStrict, let bad = verdicts.lazy.compactMap(\.badFile).first { throw bad.failure }
      return verdicts
    }
  }

  /// Hands on a batch, of each track id the first song alone, and where an aggregate stands in it calls `expand`
  /// with its place in the batch and its songs.
  private func settle(
    _ verdicts: [SongVerdict], expand: (_ position: Int, _ songs: Int) throws -> Void
  ) throws {
    let marks = try exchanged(verdicts.map(Mark.init))
    let own = marks[..<communicator.rank].reduce(0) { $0 + $1.count }
    let all = marks.flatMap { $0 }
    var position = 0
    while position < all.count {
      let end = all[position...].firstIndex { $0.songs != nil } ?? all.count
      if position < end {
        let isNew = all[position..<end].map { $0.trackID.isEmpty || seen.insert($0.trackID) }
        let part = max(position, own)..<max(position, own, min(end, own + verdicts.count))
        try handOn(part.map { isNew[$0 - position] ? verdicts[$0 - own] : verdicts[$0 - own].asDuplicate })
        done += end - position
      }
      if end < all.count { try expand(end, all[end].songs ?? 0) }
      progress(done, total)
      position = end + 1
    }
  }

  /// Counts songs and takes those out that are to be kept.
  private func handOn(_ verdicts: [SongVerdict]) throws {
    var tally = SongTally()
    var kept: [Kept] = []
    for verdict in verdicts {
      tally.add(verdict)
      guard let (track, labels) = examiner.kept(verdict) else { continue }
      let features = examiner.reader.features
      kept.append(
        (
          SongRow(track, labels: labels, terms: track.terms?.kept ?? []),
          features.features.compactMap { track[$0] }
            + features.ofSong.compactMap { track.songValues[$0].map { .floats($0) } }
        ))
    }
    try handOn(tally, kept)
  }
}

// MARK: - Exchange between ranks

/// What the other ranks are told of a location.
private struct Mark {
  /// Empty for a file that could not be read.
  var trackID: String
  /// For an aggregate, whose songs are still to be read.
  var songs: Int?

  init(_ verdict: SongVerdict) {
    trackID = verdict.track?.trackID ?? ""
    if case .aggregate(let songs) = verdict.outcome { self.songs = songs }
  }

  init(from message: inout PackedReader) throws {
    trackID = try message.readText()
    let count = try message.readInt()
    songs = count == 0 ? nil : count
  }

  func write(to message: inout PackedWriter) {
    message.write(trackID)
    message.write(songs ?? 0)
  }
}

extension SongScan {
  /// What every rank found in its part of a batch, in brief.
  private func exchanged(_ own: [Mark]) throws -> [[Mark]] {
    var message = PackedWriter()
    message.write(own.count)
    for mark in own { mark.write(to: &message) }
    return try communicator.allgather(message).map { reader in
      var reader = reader
      return try (0..<(try reader.readInt())).map { _ in try Mark(from: &reader) }
    }
  }
}

extension SongRow {
  init(_ track: Track, labels: [UInt8], terms: [WeightedTag]) {
    self.init(
      trackID: track.trackID, title: track.title, artistName: track.artistName, artistID: track.artistID,
      segmentCount: track.segmentCount, labels: labels)
    self.terms = terms
  }
}
