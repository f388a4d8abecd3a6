import Diagnosis
import FileAccess
import HDF5
import Isolation

/// A file of the probabilities that a method gave songs, beside the songs' tags; docs/formats.md describes it.
public enum PredictionsFile {
  private static let format = "crnn-dist predictions"
  private static let formatVersion: Int64 = 1

  /// Claims the path of a file to write. Throws `usage` where something else stands there.
  public static func claim(_ path: String, inputs: [String]) throws {
    try OutputClaim(inputs: inputs).file(
      path, replacing: OutputClaim.Predecessor("a file of predictions", .given) { try isOne(at: $0) })
  }

  /// Writes a report's predictions; the file appears whole or not at all.
  /// - Throws: `unwritable` where there is no room, `missingInput` where the folder is missing.
  public static func write(_ report: Evaluation.Report, checkpoint: String, to path: String) throws {
    let judged = report.judged
    let bytes = judged.labels.count * 5 + judged.count * 64
    let file = try File.createInMemory(name: path, growingBy: bytes + (256 << 10))
    try file.setAttribute("format", format)
    try file.setAttribute("format_version", formatVersion)
    try file.setAttribute("source", checkpoint)
    try file.setAttribute("split", report.side.description)
    let songs = try file.createGroup("songs")
    try write(judged.trackIDs, "track_id", in: songs)
    try write(judged.artistIDs, "artist_id", in: songs)
    let shape = [judged.count, judged.tagCount]
    try songs.createDataset("labels", DatasetLayout(.uint8, shape: shape)).write(judged.labels)
    try songs.createDataset("probabilities", DatasetLayout(.float32, shape: shape)).write(judged.probabilities)
    try write(report.tags, "names", in: try file.createGroup("tags"))
    try file.withImage { try replaceFile(path, with: $0) }
    try file.close()
  }

  private static func write(_ texts: [String], _ name: String, in group: Group) throws {
    let longest = texts.map(\.utf8.count).max() ?? 1
    let layout = DatasetLayout(.fixedString(bytes: max(longest, 1)), shape: [texts.count])
    try group.createDataset(name, layout).write(strings: texts)
  }

  /// What is tried of a file before it is replaced, by another process: damage can make the library crash.
  public static let trials: [String: TrialProcess.Trial] = [formatTrial: { _ = isOne(try File.open($0)) }]

  private static let formatTrial = "format of predictions"

  private static func isOne(at path: String) throws -> Bool {
    do {
      try TrialProcess().run(formatTrial, on: path)
      return isOne(try File.open(path))
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static func isOne(_ file: File) -> Bool {
    file.hasAttribute("format") && (try? file.textAttribute("format")) == format
  }
}
