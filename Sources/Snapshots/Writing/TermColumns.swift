import Diagnosis
import HDF5
import MessagePassing
import Tags
import Texts
import TrackFiles

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
  /// Of different artists that songs' artists are like, before most are left out.
  private static let mostCounted = 1 << 22

  /// - Parameters:
  ///   - songs: in all.
  ///   - rows: of all songs, on rank 0.
  /// - Throws: `badData` for more words than anybody has use for.
  init(in file: File, songs: Int, _ rows: SongRowFile?, _ communicator: any Communicator) throws {
    let counts = try communicator.agree { try TermColumns.songsByWord(rows) }
    let names = TermColumns.kept(counts)
    let total = names.reduce(0) { $0 + counts[$1]! }
    let sizes = try communicator.broadcast(
      [names.count, total, names.map { $0.text.utf8.count }.max() ?? 0, counts.count])
    guard sizes[0] <= TermColumns.most, sizes[3] <= TermColumns.mostCounted else {
      throw Failure(
        .badData,
        "the songs have more than \(sizes[0] > TermColumns.most ? TermColumns.most : TermColumns.mostCounted) words beside their tags",
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
        SnapshotFormat.Path.termNames, .fixedString(bytes: max(1, sizes[2]), .utf8), sizes[0])
      if sizes[0] > 0 { try all.write(strings: isRoot ? names.map(\.text) : [], fromRow: 0) }
      return (
        try dataset(SnapshotFormat.Path.termStarts, .int64, songs + 1),
        try dataset(SnapshotFormat.Path.termNumbers, .int32, sizes[1]),
        try dataset(SnapshotFormat.Path.termWeights, .float32, sizes[1])
      )
    }
  }

  /// How many songs have each word; of more words than a snapshot can have only one too many.
  private static func songsByWord(_ rows: SongRowFile?) throws -> [ExactText: Int] {
    var counts: [ExactText: Int] = [:]
    _ = try rows?.map { song in
      for term in song.terms where counts.count <= mostCounted { counts[ExactText(term.name), default: 0] += 1 }
    }
    return counts
  }

  /// The words that a snapshot keeps, in the order of their bytes.
  private static func kept(_ counts: [ExactText: Int]) -> [ExactText] {
    var names = counts.keys.filter { !ArtistTags.isSimilarArtist($0.text) }
    names += counts.filter { ArtistTags.isSimilarArtist($0.key.text) }
      .sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(AuxiliarySource.mostSimilarArtists).map(\.key)
    return names.sorted()
  }

  /// Writes rank 0's songs; all others have none.
  func write(_ songs: [SongRow], fromRow row: Int) throws {
    var numbers: [Int32] = []
    var weights: [Float] = []
    var ends: [Int64] = row == 0 && !songs.isEmpty ? [0] : []
    for song in songs {
      for term in song.terms {
        guard let place = places[ExactText(term.name)] else { continue }
        numbers.append(place)
        weights.append(Float(term.weight))
      }
      ends.append(Int64(written + numbers.count))
    }
    try starts.write(ends, fromRow: row == 0 ? 0 : row + 1)
    try self.numbers.write(numbers, fromRow: written)
    try self.weights.write(weights, fromRow: written)
    written += numbers.count
  }
}
