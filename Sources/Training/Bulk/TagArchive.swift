import Diagnosis
import HDF5
import Isolation

/// Songs with the probabilities of all tags as an HDF5 file, a row a song that was judged; the others stand in a table of
/// their own with the cause.
final class TagArchive: TagWriter {
  private static let format = "crnn-dist tagged songs"
  private static let formatVersion: Int64 = 1
  private static let rowsOfChunk = 1024

  private let file: File
  private let songs, skipped: SongColumns
  private let probabilities: Dataset
  private let embeddings: Dataset?
  private var row = 0

  init(_ path: String, _ contents: TagFileContents) throws {
    let counts = contents.counts
    file = try File.create(path)
    try file.setAttribute("format", Self.format)
    try file.setAttribute("format_version", Self.formatVersion)
    try file.setAttribute("program_version", programVersion)
    try file.setAttribute("checkpoint", contents.checkpoint)
    try file.setAttribute("checkpoint_hash", contents.checkpointHash)
    let group = try file.createGroup("songs")
    let texts = [
      ("file", counts.fileBytes), ("track_id", counts.trackIDBytes), ("title", counts.titleBytes),
      ("artist_name", counts.artistBytes),
    ]
    songs = try SongColumns(in: group, rows: counts.judged, texts: texts)
    func values(_ name: String, _ width: Int) throws -> Dataset {
      try group.createDataset(name, Self.layout(.float32, rows: counts.judged, width: width))
    }
    probabilities = try values("probabilities", contents.tags.count)
    embeddings = contents.embeddingWidth > 0 ? try values("embeddings", contents.embeddingWidth) : nil
    skipped = try SongColumns(
      in: try file.createGroup("skipped"), rows: counts.tooShort + counts.unreadable,
      texts: [("file", counts.fileBytes), ("cause", counts.causeBytes)])
    let bytes = contents.tags.map(\.utf8.count).max() ?? 1
    let names = try file.createGroup("tags").createDataset(
      "names", DatasetLayout(.fixedString(bytes: max(1, bytes), .utf8), shape: [contents.tags.count]))
    try names.write(strings: contents.tags)
  }

  func add(_ outcomes: [Prediction.Outcome]) throws {
    let judged = outcomes.filter { $0.problem == nil }
    if !judged.isEmpty {
      try songs.add(
        rows: judged.map(\.row),
        texts: [
          judged.map(\.path), judged.map { $0.trackID ?? "" }, judged.map { $0.title ?? "" },
          judged.map { $0.artistName ?? "" },
        ])
      try probabilities.write(judged.flatMap(\.probabilities), fromRow: row)
      try embeddings?.write(judged.flatMap(\.embedding), fromRow: row)
      row += judged.count
    }
    let others = outcomes.filter { $0.problem != nil }
    if !others.isEmpty {
      try skipped.add(
        rows: others.map(\.row), texts: [others.map(\.path), others.map { $0.problem?.cause ?? "" }])
    }
  }

  func finish() throws { try file.close() }

  /// Without rows there can be no chunk.
  fileprivate static func layout(_ type: ElementType, rows: Int, width: Int? = nil) -> DatasetLayout {
    let rest = width.map { [$0] } ?? []
    guard rows > 0 else { return DatasetLayout(type, shape: [rows] + rest) }
    return DatasetLayout(
      type, shape: [rows] + rest, chunk: [min(rows, rowsOfChunk)] + rest, shuffle: true, deflate: 1)
  }

  // MARK: - What may be replaced

  /// What is tried of a file before it is replaced, by another process: damage can make the library crash.
  static let trials: [String: TrialProcess.Trial] = [trial: { _ = isOne(try File.open($0)) }]
  private static let trial = "format of tagged songs"

  /// - Throws: `missingInput` where the file cannot be read.
  static func isOne(at path: String) throws -> Bool {
    do {
      try TrialProcess().run(trial, on: path)
      return isOne(try File.open(path))
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static func isOne(_ file: File) -> Bool { (try? file.textAttribute("format")) == format }
}

extension TagFormat {
  /// What is tried of a file by another process.
  public static var trials: [String: TrialProcess.Trial] { TagArchive.trials }
}

/// Columns that tell which song is which: its file, its row there (−1: the only song), other texts.
private final class SongColumns {
  private let rows: Dataset
  private let texts: [Dataset]
  private var count = 0

  init(in group: Group, rows: Int, texts: [(name: String, bytes: Int)]) throws {
    self.rows = try group.createDataset("row", TagArchive.layout(.int64, rows: rows))
    self.texts = try texts.map {
      try group.createDataset($0.name, TagArchive.layout(.fixedString(bytes: $0.bytes, .utf8), rows: rows))
    }
  }

  func add(rows: [Int?], texts: [[String]]) throws {
    try self.rows.write(rows.map { Int64($0 ?? -1) }, fromRow: count)
    for (dataset, values) in zip(self.texts, texts) { try dataset.write(strings: values, fromRow: count) }
    count += rows.count
  }
}
