import HDF5
import Splits

/// The datasets of a snapshot that have a row a song, written some songs at a time; every call is collective, and rank 0
/// alone has values.
final class SongColumns {
  private let texts: [(dataset: Dataset, text: WritableKeyPath<SongRow, String> & Sendable)]
  private let segmentCounts: Dataset
  private let starts: Dataset?
  private let labels: Dataset
  private let sides: (dataset: Dataset, ofSongs: [SongSide?])?
  /// Whole songs are cut after so many segments.
  private let longest: Int
  /// Segments of all songs written so far.
  private var segments: Int64 = 0

  /// Rows to be written at once: whole chunks, and no more than a few megabytes.
  let rowsOfPiece: Int
  private static let bytesOfPiece = 8 << 20
  private static let mostChunksOfPiece = 8

  /// - Parameters:
  ///   - rows: songs in all, at least one.
  ///   - textWidths: of each column of texts the bytes of the longest.
  ///   - sides: of all songs, on rank 0; nil where the snapshot keeps no split.
  init(
    in file: File, rows: Int, textWidths: [Int], tags: Int, longest: Int, keepsStarts: Bool,
    sides: [SongSide?]?
  ) throws {
    func dataset(_ path: String, _ type: ElementType, rows: Int = rows, columns: [Int] = []) throws -> Dataset {
      try file.createDataset(
        path,
        DatasetLayout(
          type, shape: [rows] + columns, chunk: [min(rows, SnapshotFormat.rowsOfChunk)] + columns, shuffle: true,
          deflate: SnapshotFormat.deflate))
    }
    texts = try zip(SongRow.texts, textWidths).map { column, width in
      (try dataset(column.key, .fixedString(bytes: max(1, width), .utf8)), column.value)
    }
    segmentCounts = try dataset(SnapshotFormat.Path.segmentCounts, .int32)
    starts = keepsStarts ? try dataset(SnapshotFormat.Path.starts, .int64, rows: rows + 1) : nil
    self.sides = try sides.map { (try dataset(SnapshotFormat.Path.sides, .uint8), $0) }
    labels = try dataset(SnapshotFormat.Path.labels, .uint8, columns: [tags])
    self.longest = longest
    let rowBytes = textWidths.reduce(0, +) + tags + 16
    let chunks = SongColumns.bytesOfPiece / (rowBytes * SnapshotFormat.rowsOfChunk)
    rowsOfPiece = min(max(1, chunks), SongColumns.mostChunksOfPiece) * SnapshotFormat.rowsOfChunk
  }

  /// Writes rank 0's songs; all others have none.
  func write(_ songs: [SongRow], fromRow row: Int) throws {
    for (dataset, text) in texts {
      try dataset.write(strings: songs.map { $0[keyPath: text] }, fromRow: row)
    }
    try segmentCounts.write(songs.map { Int32(clamping: $0.segmentCount) }, fromRow: row)
    try writeStarts(songs, fromRow: row)
    if let sides {
      let own = sides.ofSongs.dropFirst(row).prefix(songs.count)
      try sides.dataset.write(own.map(SnapshotFormat.code), fromRow: row)
    }
    try labels.write(songs.flatMap(\.labels), fromRow: row)
  }

  /// Each song's end is the start of the next one; the first start of all is 0.
  private func writeStarts(_ songs: [SongRow], fromRow row: Int) throws {
    guard let starts else { return }
    var values: [Int64] = row == 0 && !songs.isEmpty ? [0] : []
    for song in songs {
      segments += Int64(min(song.segmentCount, longest))
      values.append(segments)
    }
    try starts.write(values, fromRow: row == 0 ? 0 : row + 1)
  }
}
