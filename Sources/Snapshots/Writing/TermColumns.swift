import Diagnosis
import HDF5
import MessagePassing
import Tags
import Texts

/// The datasets of words beside the tags: their names, and of each song which it has with what weight. Every call is
/// collective, and rank 0 alone has values.
final class TermColumns {
  private let starts: Dataset
  private let numbers: Dataset
  private let weights: Dataset
  /// The place of each word; on rank 0.
  private let places: [ExactText: Int32]
  private var written = 0

  /// Real data have 7,643 terms.
  static let most = 1 << 20

  /// - Parameters:
  ///   - songs: in all.
  ///   - rows: of all songs, on rank 0.
  /// - Throws: `badData` for more words than anybody has use for.
  init(in file: File, songs: Int, _ rows: SongRowFile?, _ communicator: any Communicator) throws {
    var words: Set<ExactText> = []
    var total = 0
    _ = try communicator.agree {
      try rows?.map { song in
        total += song.terms.count
        if words.count <= TermColumns.most { words.formUnion(song.terms.map { ExactText($0.name) }) }
      }
    }
    let names = words.sorted()
    let counts = try communicator.broadcast([names.count, total, names.map { $0.text.utf8.count }.max() ?? 0])
    guard counts[0] <= TermColumns.most else {
      throw Failure(
        .badData, "the songs have more than \(TermColumns.most) words beside their tags",
        remedy: "prepare without --auxiliary"
      ).knownToAllRanks
    }
    places = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, Int32($0)) })
    let isRoot = communicator.isRoot
    func dataset(_ path: String, _ type: ElementType, _ rows: Int) throws -> Dataset {
      try file.createDataset(
        path,
        DatasetLayout(
          type, shape: [rows], chunk: [min(max(rows, 1), SnapshotFormat.rowsOfChunk)], shuffle: true,
          deflate: SnapshotFormat.deflate))
    }
    (starts, numbers, weights) = try communicator.agree {
      _ = try file.createGroup(SnapshotFormat.Path.terms)
      let all = try dataset(
        SnapshotFormat.Path.termNames, .fixedString(bytes: max(1, counts[2]), .utf8), counts[0])
      if counts[0] > 0 { try all.write(strings: isRoot ? names.map(\.text) : [], fromRow: 0) }
      return (
        try dataset(SnapshotFormat.Path.termStarts, .int64, songs + 1),
        try dataset(SnapshotFormat.Path.termNumbers, .int32, counts[1]),
        try dataset(SnapshotFormat.Path.termWeights, .float32, counts[1])
      )
    }
  }

  /// Writes rank 0's songs; all others have none.
  func write(_ songs: [SongRow], fromRow row: Int) throws {
    let terms = songs.flatMap(\.terms)
    var ends: [Int64] = row == 0 && !songs.isEmpty ? [0] : []
    var end = written
    for song in songs {
      end += song.terms.count
      ends.append(Int64(end))
    }
    try starts.write(ends, fromRow: row == 0 ? 0 : row + 1)
    try numbers.write(terms.map { places[ExactText($0.name)]! }, fromRow: written)
    try weights.write(terms.map { Float($0.weight) }, fromRow: written)
    written = end
  }
}
