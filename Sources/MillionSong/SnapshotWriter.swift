import Diagnosis
import FileAccess
import HierarchicalData
import MessagePassing

// check-layers: raw memory, because a file that only this rank gives up must outlive it, or its closing would wait.

/// Thrown on every rank when a pitch has more decimals than thousandths hold.
struct NeedsFloats: Error {}

/// Writes a snapshot, all ranks together; every method is collective.
///
/// The file grows under a temporary name and gets its own when it is complete.
final class SnapshotWriter {
  private let output: AtomicFile
  private let segments: Int
  private let encoding: PitchEncoding
  private let communicator: any Communicator
  private let file: File
  private let pitches: Dataset
  private var rows = 0

  /// A writer whose file must stay open until the process ends.
  nonisolated(unsafe) private static var abandoned: SnapshotWriter?

  /// Room for what HDF5 writes beside the values: headers, the index of the chunks.
  private static let slack = 1 << 20
  private static let indexBytesOfSong = 128

  init(_ output: AtomicFile, segments: Int, encoding: PitchEncoding, communicator: any Communicator) throws {
    self.output = output
    self.segments = segments
    self.encoding = encoding
    self.communicator = communicator
    file = try communicator.agree {
      // Through MPI-IO for one rank too: the file is then the same to the byte for every number of ranks.
      if let world = communicator as? MPICommunicator {
        return try File.createInParallel(output.temporaryPath, communicator: world)
      }
      guard communicator.size == 1 else {
        throw Failure(.fault, "\(output.path): only ranks that are joined by MPI can write a file together")
      }
      return try File.create(output.temporaryPath)
    }
    let song = [segments, Track.pitchClasses]
    do {
      _ = try file.createGroup("songs")
      pitches = try file.createDataset(
        SnapshotFormat.Path.pitches,
        DatasetLayout(
          encoding.elementType, shape: [0] + song, maximumShape: [.unlimited] + song.map { .fixed($0) },
          chunk: [1] + song, shuffle: true, deflate: SnapshotFormat.deflate))
    } catch {
      removeFile(output.temporaryPath)
      throw error
    }
  }

  /// Adds songs behind all that are there: rank 0's, then rank 1's and so on.
  /// - Throws: `NeedsFloats` on every rank where the encoding does not hold a value of any rank.
  func append(_ songs: [PitchValues]) throws {
    let fits = songs.allSatisfy { if case .floats = $0 { encoding == .float32 } else { true } }
    guard try communicator.allreduce(fits ? 0 : 1, .maximum) == 0 else { throw NeedsFloats() }
    let counts = try communicator.allgather([songs.count]).map { $0[0] }
    let total = counts.reduce(0, +)
    guard total > 0 else { return }
    let first = rows + counts[..<communicator.rank].reduce(0, +)
    let songBytes = segments * Track.pitchClasses * encoding.bytes + SnapshotWriter.indexBytesOfSong
    try communicator.agree {
      if communicator.isRoot { try output.checkRoom(for: total * songBytes + SnapshotWriter.slack) }
    }
    try communicator.agree {
      try pitches.resize(rows: rows + total)
      switch encoding {
      case .thousandths:
        let values: [UInt16] = songs.flatMap { (song: PitchValues) -> [UInt16] in
          if case .thousandths(let values) = song { values } else { [] }
        }
        try pitches.write(values, fromRow: first, collective: isCollective)
      case .float32:
        try pitches.write(songs.flatMap(\.floats), fromRow: first, collective: isCollective)
      }
    }
    rows += total
  }

  /// Writes the rest, closes the file, gives it its name.
  /// - Parameter songs: every row's song on rank 0; the other ranks' are not looked at.
  func finish(_ songs: [KeptSong], _ record: SnapshotRecord) throws {
    let identity = try communicator.broadcast {
      SnapshotFormat.identity(trackIDs: songs.map(\.trackID), tags: record.tags, segments: segments)
    }
    try communicator.agree {
      if communicator.isRoot { try output.checkRoom(for: restBytes(songs, record)) }
    }
    let texts: [(String, [String])] = [
      (SnapshotFormat.Path.trackIDs, songs.map(\.trackID)), (SnapshotFormat.Path.titles, songs.map(\.title)),
      (SnapshotFormat.Path.artistNames, songs.map(\.artistName)),
      (SnapshotFormat.Path.artistIDs, songs.map(\.artistID)),
    ]
    let widths = try communicator.broadcast(texts.map { $0.1.map(\.utf8.count).max() ?? 0 })
    try communicator.agree {
      for ((path, values), width) in zip(texts, widths) { try write(values, width: width, rows: rows, to: path) }
      try write(songs.map { Int32(clamping: $0.segmentCount) }, columns: [], to: SnapshotFormat.Path.segmentCounts)
      try write(songs.flatMap(\.labels), columns: [record.tags.count], to: SnapshotFormat.Path.labels)
      _ = try file.createGroup("tags")
      try write(
        record.tags, width: record.tags.map(\.utf8.count).max() ?? 1, rows: record.tags.count,
        to: SnapshotFormat.Path.tagNames)
      try write(record.distribution)
      try writeAttributes(record, identity)
      try file.close()
    }
    try communicator.agree {
      if communicator.isRoot { try output.commit() }
    }
  }

  /// Ends a snapshot that is not to be. Where only this rank has failed, the file stays open until the job is
  /// ended: closing it would wait for the other ranks.
  func discard(after error: any Error) {
    let allRanksKnow = error is NeedsFloats || (error as? Failure)?.isAgreed == true || communicator.size == 1
    if allRanksKnow { try? file.close() } else { SnapshotWriter.abandoned = self }
    if communicator.isRoot || !allRanksKnow { output.discard() }
  }
}

// MARK: - Parts

extension SnapshotWriter {
  private var isCollective: Bool { communicator is MPICommunicator }

  private func restBytes(_ songs: [KeptSong], _ record: SnapshotRecord) -> Int {
    let texts = songs.reduce(0) { total, song in
      total + song.title.utf8.count + song.artistName.utf8.count + song.artistID.utf8.count + 64
    }
    return 2 * texts + songs.count * (record.tags.count + 8) + record.distribution.songs.count * 16
      + record.tags.reduce(0) { $0 + $1.utf8.count } + SnapshotWriter.slack
  }

  /// Texts of rank 0, as long as the longest.
  private func write(_ texts: [String], width: Int, rows: Int, to path: String) throws {
    let dataset = try file.createDataset(
      path,
      DatasetLayout(
        .fixedString(bytes: max(1, width), .utf8), shape: [rows],
        chunk: [min(rows, SnapshotFormat.rowsOfChunk)], shuffle: true, deflate: SnapshotFormat.deflate))
    try dataset.write(strings: communicator.isRoot ? texts : [], fromRow: 0, collective: isCollective)
  }

  /// Values of rank 0, a row a song.
  private func write<E: Element>(_ values: [E], columns: [Int], to path: String) throws {
    let dataset = try file.createDataset(
      path,
      DatasetLayout(
        E.elementType, shape: [rows] + columns, chunk: [min(rows, SnapshotFormat.rowsOfChunk)] + columns,
        shuffle: true, deflate: SnapshotFormat.deflate))
    try dataset.write(communicator.isRoot ? values : [], fromRow: 0, collective: isCollective)
  }

  private func write(_ distribution: SegmentDistribution) throws {
    let group = try file.createGroup(SnapshotFormat.Path.distribution)
    let lengths = distribution.songs.keys.sorted()
    let columns: [(String, [Int])] = [
      ("segments", lengths), ("read", lengths.map { distribution.songs[$0]!.read }),
      ("joined", lengths.map { distribution.songs[$0]!.joined }),
      ("tagged", lengths.map { distribution.songs[$0]!.tagged }),
    ]
    for (name, values) in columns {
      let dataset = try group.createDataset(name, DatasetLayout(.int32, shape: [values.count]))
      try dataset.write(
        communicator.isRoot ? values.map { Int32(clamping: $0) } : [], fromRow: 0, collective: isCollective)
    }
  }

  private func writeAttributes(_ record: SnapshotRecord, _ identity: String) throws {
    typealias Name = SnapshotFormat.Attribute
    try file.setAttribute(Name.format, SnapshotFormat.name)
    try file.setAttribute(Name.version, SnapshotFormat.version)
    try file.setAttribute(Name.program, programVersion)
    try file.setAttribute(Name.identity, identity)
    try file.setAttribute(Name.songs, Int64(rows))
    try file.setAttribute(Name.segments, Int64(segments))
    try file.setAttribute(Name.encoding, encoding.rawValue)
    try file.setAttribute(Name.counts, SnapshotRecord.json(record.counts))
    try file.setAttribute(Name.options, SnapshotRecord.json(record.options))
  }
}
