import Diagnosis
import FileAccess
import HDF5
import MessagePassing
import Segments
import Splits

/// Thrown on every rank when values have more decimals than thousandths hold.
package struct NeedsFloats: Error {
  /// The features that have them.
  package let features: Set<Feature>
}

/// Writes a snapshot, all ranks together; every method is collective.
///
/// The file grows under a temporary name and gets its own when it is complete.
package final class SnapshotWriter {
  private let output: AtomicFile
  private let options: SnapshotRecord.Options
  private let communicator: any Communicator
  private let file: File
  /// How each feature of segments is kept, in the order of their columns.
  private let kept: [(feature: Feature, encoding: ValueEncoding)]
  /// Those of segments, then those of whole songs.
  private let columns: [any SnapshotColumn]
  /// What is written when all songs are known; on rank 0 alone.
  private let rowFile: SongRowFile?
  /// Songs so far.
  private var rows = 0

  /// A writer whose file must stay open until the process ends: where only this rank gives up, closing the file would wait
  /// for the others.
  nonisolated(unsafe) private static var abandoned: SnapshotWriter?

  /// Room for what HDF5 writes beside the values: headers, the index of the chunks.
  private static let slack = 1 << 20
  private static let indexBytesOfSong = 128

  /// - Parameter inFloats: features that thousandths do not hold.
  package init(
    _ output: AtomicFile, options: SnapshotRecord.Options, inFloats: Set<Feature>, communicator: any Communicator
  ) throws {
    self.output = output
    self.options = options
    self.communicator = communicator
    rowFile = try communicator.agree {
      communicator.isRoot ? try SongRowFile(output.temporaryPath + "-songs") : nil
    }
    let file = try communicator.agree { try File.create(output.temporaryPath, by: communicator) }
    self.file = file
    do {
      _ = try file.createGroup("songs")
      let kept = options.features.features.map { feature in
        (feature: feature, encoding: inFloats.contains(feature) ? .float32 : ValueEncoding.first(for: feature))
      }
      self.kept = kept
      columns =
        try kept.map {
          try SnapshotWriter.column($0.feature, $0.encoding, in: file, options.segments, communicator)
        }
        + options.features.ofSong.map { try SnapshotWriter.column($0, in: file, communicator) }
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
        SnapshotFormat.Path.values(feature), in: file,
        shape: (segments.count.map { [$0] } ?? []) + [feature.width],
        chunkRows: segments == .all ? SnapshotFormat.segmentsOfChunk : 1, communicator: communicator, values)
    }
    switch encoding.elementType(of: feature) {
    case .uint16: return try make { if case .thousandths(let values) = $0 { values } else { [] } }
    case .int32: return try make { if case .wideThousandths(let values) = $0 { values } else { [] } }
    default: return try make(\.floats)
    }
  }

  private static func column(
    _ feature: SongFeature, in file: File, _ communicator: any Communicator
  ) throws -> any SnapshotColumn {
    try ChunkedColumn<Float>(
      SnapshotFormat.Path.values(feature), in: file, shape: [feature.width],
      chunkRows: SnapshotFormat.songsOfChunk,
      communicator: communicator, \.floats)
  }

  package var encodings: [Feature: ValueEncoding] {
    Dictionary(uniqueKeysWithValues: kept.map { ($0.feature, $0.encoding) })
  }

  /// Adds songs behind all that are there: rank 0's, then rank 1's and so on.
  /// - Parameters:
  ///   - songs: of each of this rank's the values of every feature, in the order of the options: of segments, then of
  ///     the song.
  ///   - all: the songs of all ranks, in order, on rank 0; the other ranks' are not looked at.
  /// - Throws: `NeedsFloats` on every rank where an encoding does not hold a value of any rank.
  package func append(_ songs: [[SegmentValues]], all: [SongRow]) throws {
    let needs = kept.indices.map { column in
      let isMet = songs.allSatisfy { song in
        if case .floats = song[column] { kept[column].encoding == .float32 } else { true }
      }
      return isMet ? 0 : 1
    }
    let missing =
      kept.isEmpty
      ? [] : try zip(kept, communicator.allreduce(needs, .maximum)).filter { $0.1 > 0 }.map(\.0.feature)
    guard missing.isEmpty else { throw NeedsFloats(features: Set(missing)) }
    let bytes = songs.reduce(0) { $0 + $1.reduce(SnapshotWriter.indexBytesOfSong) { $0 + $1.bytes } }
    let totals = try communicator.allreduce([songs.count, bytes], .sum)
    guard totals[0] > 0 else { return }
    try communicator.agree {
      guard let rowFile else { return }
      try output.checkRoom(for: totals[1] + SnapshotWriter.slack)
      try rowFile.append(all)
    }
    for (index, column) in columns.enumerated() { try column.append(songs.map { $0[index] }) }
    rows += totals[0]
  }

  /// Writes the rest, closes the file, gives it its name.
  /// - Parameter sides: tells every row's side, called on rank 0; nil on all ranks where the snapshot keeps no split.
  package func finish(_ record: SnapshotRecord, sides: ((SongRowFile) throws -> [SongSide?])?) throws {
    for column in columns { try column.finish() }
    try communicator.agree {
      if let rowFile { try output.checkRoom(for: restBytes(rowFile, record)) }
    }
    let ofSongs = try communicator.agree { try rowFile.flatMap { try sides?($0) } }
    let identity = try writeSongs(record, sides: sides == nil ? nil : ofSongs ?? [])
    try communicator.agree {
      _ = try file.createGroup("tags")
      let names = try file.createDataset(
        SnapshotFormat.Path.tagNames,
        DatasetLayout(
          .fixedString(bytes: max(1, record.tags.map(\.utf8.count).max() ?? 1), .utf8), shape: [record.tags.count],
          chunk: [min(record.tags.count, SnapshotFormat.rowsOfChunk)], shuffle: true,
          deflate: SnapshotFormat.deflate))
      try names.write(strings: communicator.isRoot ? record.tags : [], fromRow: 0)
      try write(record.distribution)
      try writeAttributes(record, identity)
      try file.close()
    }
    try communicator.agree {
      if communicator.isRoot { try output.commit() }
    }
  }

  /// Writes the columns with a row a song, and what is known of them all; returns the identity.
  /// - Parameter sides: of every song, on rank 0; nil where the snapshot keeps no split.
  private func writeSongs(_ record: SnapshotRecord, sides: [SongSide?]?) throws -> String {
    let widths = try communicator.broadcast(rowFile?.widths ?? [])
    let songs = try communicator.agree {
      try SongColumns(
        in: file, rows: rows, textWidths: widths, tags: record.tags.count, longest: options.longest,
        keepsStarts: options.segments == .all, sides: sides)
    }
    var identity = SnapshotIdentity(songs: rows)
    let terms = options.auxiliary == nil ? nil : try TermColumns(in: file, songs: rows, rowFile, communicator)
    let scaled = options.features.features.filter(\.isStandardized)
    var totals = scaled.map { FeatureTotal(width: $0.width) }
    for start in stride(from: 0, to: rows, by: songs.rowsOfPiece) {
      let piece = try communicator.agree { try rowFile?.next(songs.rowsOfPiece) ?? [] }
      for (index, song) in piece.enumerated() {
        identity.add(trackID: song.trackID)
        guard let sides, sides[start + index] == .training, song.sums.count == scaled.count else { continue }
        for (place, sums) in song.sums.enumerated() { totals[place].add(sums) }
      }
      try communicator.agree {
        try songs.write(piece, fromRow: start)
        try terms?.write(piece, fromRow: start)
      }
    }
    if sides != nil, !scaled.isEmpty {
      try write(zip(scaled, totals.indices).map { ($0, totals[$1].standardization()) })
    }
    return try communicator.broadcast {
      identity.text(tags: record.tags, segments: options.segments, crop: options.crop, longest: options.longest)
    }
  }

  /// Ends a snapshot that is not to be. Where only this rank has failed, the file stays open until the job is
  /// ended: closing it would wait for the other ranks.
  package func discard(after error: any Error) {
    let allRanksKnow = error is NeedsFloats || (error as? Failure)?.isAgreed == true || communicator.size == 1
    if allRanksKnow { try? file.close() } else { SnapshotWriter.abandoned = self }
    if communicator.isRoot || !allRanksKnow { output.discard() }
  }
}

// MARK: - Parts

extension SnapshotWriter {
  private func restBytes(_ rowFile: SongRowFile, _ record: SnapshotRecord) -> Int {
    2 * rowFile.bytes + record.distribution.songs.count * 16 + record.tags.reduce(0) { $0 + $1.utf8.count }
      + SnapshotWriter.slack
  }

  /// Of the training songs, as rank 0 has it.
  private func write(_ standardization: [(Feature, Standardization)]) throws {
    try communicator.agree {
      _ = try file.createGroup(SnapshotFormat.Path.standardization)
      for (feature, scale) in standardization {
        for (path, values) in [
          (SnapshotFormat.Path.mean(feature), scale.mean),
          (SnapshotFormat.Path.deviation(feature), scale.deviation),
        ] {
          let dataset = try file.createDataset(path, DatasetLayout(.float32, shape: [feature.width]))
          try dataset.write(communicator.isRoot ? values : [], fromRow: 0)
        }
      }
    }
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
        communicator.isRoot ? values.map { Int32(clamping: $0) } : [], fromRow: 0)
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
    for (feature, encoding) in kept { try file.setAttribute(Name.encoding(feature), encoding.rawValue) }
    try file.setAttribute(Name.counts, SnapshotRecord.json(record.counts))
    try file.setAttribute(Name.options, SnapshotRecord.json(record.options))
  }
}
