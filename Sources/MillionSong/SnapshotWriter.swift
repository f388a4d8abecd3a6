import Diagnosis
import FileAccess
import HierarchicalData
import MessagePassing

// check-layers: raw memory, because a file that only this rank gives up must outlive it, or its closing would wait.

/// Thrown on every rank when values have more decimals than thousandths hold.
struct NeedsFloats: Error {
  /// The features that have them.
  let features: Set<Feature>
}

/// Writes a snapshot, all ranks together; every method is collective.
///
/// The file grows under a temporary name and gets its own when it is complete.
final class SnapshotWriter {
  private let output: AtomicFile
  private let options: PreparationOptions
  private let communicator: any Communicator
  private let file: File
  private let columns: [any SnapshotColumn]
  /// Songs so far.
  private var rows = 0

  /// A writer whose file must stay open until the process ends.
  nonisolated(unsafe) private static var abandoned: SnapshotWriter?

  /// Room for what HDF5 writes beside the values: headers, the index of the chunks.
  private static let slack = 1 << 20
  private static let indexBytesOfSong = 128

  /// - Parameter inFloats: features that thousandths do not hold.
  init(
    _ output: AtomicFile, options: PreparationOptions, inFloats: Set<Feature>, communicator: any Communicator
  ) throws {
    self.output = output
    self.options = options
    self.communicator = communicator
    let file = try communicator.agree {
      // Through MPI-IO for one rank too: the file is then the same to the byte for every number of ranks.
      if let world = communicator as? MPICommunicator {
        return try File.createInParallel(output.temporaryPath, communicator: world)
      }
      guard communicator.size == 1 else {
        throw Failure(.fault, "\(output.path): only ranks that are joined by MPI can write a file together")
      }
      return try File.create(output.temporaryPath)
    }
    self.file = file
    do {
      _ = try file.createGroup("songs")
      columns = try options.features.features.map { feature in
        try SnapshotWriter.column(
          feature, inFloats.contains(feature) ? .float32 : .thousandths, in: file, options.segments, communicator)
      }
    } catch {
      removeFile(output.temporaryPath)
      throw error
    }
  }

  private static func column(
    _ feature: Feature, _ encoding: ValueEncoding, in file: File, _ segments: SegmentChoice,
    _ communicator: any Communicator
  ) throws -> any SnapshotColumn {
    func make<Value>(_ values: @escaping (SegmentValues) -> [Value]) throws -> ChunkedColumn<Value> {
      try ChunkedColumn(
        feature, encoding, in: file, shape: (segments.count.map { [$0] } ?? []) + [Feature.width],
        chunkRows: segments == .all ? SnapshotFormat.segmentsOfChunk : 1, communicator: communicator, values)
    }
    switch encoding.elementType(of: feature) {
    case .uint16: return try make { if case .thousandths(let values) = $0 { values } else { [] } }
    case .int32: return try make { if case .wideThousandths(let values) = $0 { values } else { [] } }
    default: return try make(\.floats)
    }
  }

  var encodings: [Feature: ValueEncoding] {
    Dictionary(uniqueKeysWithValues: columns.map { ($0.feature, $0.encoding) })
  }

  /// Adds songs behind all that are there: rank 0's, then rank 1's and so on.
  /// - Parameter songs: of each the values of every feature, in the order of the options.
  /// - Throws: `NeedsFloats` on every rank where an encoding does not hold a value of any rank.
  func append(_ songs: [[SegmentValues]]) throws {
    let needs = columns.indices.map { column in
      let isMet = songs.allSatisfy { song in
        if case .floats = song[column] { columns[column].encoding == .float32 } else { true }
      }
      return isMet ? 0 : 1
    }
    let missing = try zip(columns, communicator.allreduce(needs, .maximum)).filter { $0.1 > 0 }.map(\.0.feature)
    guard missing.isEmpty else { throw NeedsFloats(features: Set(missing)) }
    let bytes = songs.reduce(0) { $0 + $1.reduce(SnapshotWriter.indexBytesOfSong) { $0 + $1.bytes } }
    let totals = try communicator.allreduce([songs.count, bytes], .sum)
    guard totals[0] > 0 else { return }
    try communicator.agree {
      if communicator.isRoot { try output.checkRoom(for: totals[1] + SnapshotWriter.slack) }
    }
    for (index, column) in columns.enumerated() { try column.append(songs.map { $0[index] }) }
    rows += totals[0]
  }

  /// Writes the rest, closes the file, gives it its name.
  /// - Parameters:
  ///   - songs: every row's song on rank 0; the other ranks' are not looked at.
  ///   - sides: every row's side, likewise; nil on all ranks where the snapshot keeps no split.
  func finish(_ songs: [KeptSong], _ record: SnapshotRecord, sides: [SongSide]?) throws {
    let identity = try communicator.broadcast {
      SnapshotFormat.identity(
        trackIDs: songs.map(\.trackID), tags: record.tags, segments: options.segments, crop: options.crop,
        longest: options.longest)
    }
    for column in columns { try column.finish() }
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
      if options.segments == .all {
        let starts = songs.reduce(into: [Int64(0)]) { starts, song in
          starts.append(starts.last! + Int64(min(song.segmentCount, options.longest)))
        }
        try write(starts, columns: [], rows: rows + 1, to: SnapshotFormat.Path.starts)
      }
      if let sides { try write(sides.map(\.rawValue), columns: [], to: SnapshotFormat.Path.sides) }
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
    return 2 * texts + songs.count * (record.tags.count + 16) + record.distribution.songs.count * 16
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
  private func write<E: Element>(_ values: [E], columns: [Int], rows: Int? = nil, to path: String) throws {
    let rows = rows ?? self.rows
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
    try file.setAttribute(Name.segments, Int64(options.segments.count ?? 0))
    try file.setAttribute(Name.features, options.features.rawValue)
    for column in columns {
      try file.setAttribute(Name.encoding(column.feature), column.encoding.rawValue)
    }
    try file.setAttribute(Name.counts, SnapshotRecord.json(record.counts))
    try file.setAttribute(Name.options, SnapshotRecord.json(record.options))
  }
}
