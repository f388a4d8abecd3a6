import HDF5
import MessagePassing
import Segments

/// A feature's dataset in a snapshot that is being written; every method is collective.
protocol SnapshotColumn: AnyObject {
  /// Adds songs' values behind all that are there: rank 0's, then rank 1's and so on.
  func append(_ songs: [SegmentValues]) throws
  /// Writes what fills no chunk.
  func finish() throws
}

/// Rows are written in whole chunks, each by the rank that has its first row. So no two ranks share a chunk, and
/// no chunk is packed twice. Rows that fill no chunk yet are carried on, the same on all ranks.
final class ChunkedColumn<Value: Element & ExpressibleByIntegerLiteral>: SnapshotColumn {
  private let dataset: Dataset
  /// Values of a row: of a song where all are equally long or it is known as a whole, else of a segment.
  private let rowSize: Int
  private let chunkRows: Int
  private let communicator: any Communicator
  private let valuesOf: (SegmentValues) -> [Value]
  /// Rows in the file: whole chunks, until the end.
  private var rows = 0
  private var carried: [Value] = []

  /// - Parameters:
  ///   - shape: of one row.
  ///   - valuesOf: takes values of the encoding apart.
  init(
    _ path: String, in file: File, shape: [Int], chunkRows: Int,
    communicator: any Communicator, _ valuesOf: @escaping (SegmentValues) -> [Value]
  ) throws {
    self.chunkRows = chunkRows
    self.communicator = communicator
    self.valuesOf = valuesOf
    rowSize = shape.reduce(1, *)
    dataset = try file.createDataset(
      path,
      DatasetLayout(
        Value.elementType, shape: [0] + shape, maximumShape: [.unlimited] + shape.map { .fixed($0) },
        chunk: [chunkRows] + shape, shuffle: true, deflate: SnapshotFormat.deflate))
  }

  func append(_ songs: [SegmentValues]) throws {
    // What was carried on stands before rank 0's own.
    var own = songs.flatMap(valuesOf)
    if communicator.isRoot { own = carried + own }
    let counts = try communicator.allgather([own.count / rowSize]).map { $0[0] }
    let plan = ChunkPlan(counts: counts, chunkRows: chunkRows)
    let part = plan.parts[communicator.rank]
    let heads = try communicator.allgather(values: Array(own.prefix(part.head * rowSize)))
    func following(_ rank: Int) -> [Value] { heads[(rank + 1)...].flatMap { $0 } }

    let written =
      own[(part.head * rowSize)...].prefix(part.starting * rowSize)
      + following(communicator.rank).prefix(part.missing * rowSize)
    try communicator.agree {
      try dataset.resize(rows: rows + plan.wholeRows)
      try dataset.write(Array(written), fromRow: rows + part.firstRow)
    }
    rows += plan.wholeRows
    if let last = plan.lastStarter {
      let tail = communicator.rank == last.rank ? Array(own[(last.offset * rowSize)...]) : []
      carried = try communicator.broadcast(values: tail, root: last.rank) + following(last.rank)
    } else {
      carried = []
    }
  }

  func finish() throws {
    try communicator.agree {
      try dataset.resize(rows: rows + carried.count / rowSize)
      try dataset.write(communicator.isRoot ? carried : [], fromRow: rows)
    }
    rows += carried.count / rowSize
    carried = []
  }
}
