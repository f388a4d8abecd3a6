import Diagnosis
import HDF5
import Isolation
import Spectrograms

/// What an HDF5 file is to the program.
enum HDF5FileKind {
  case snapshot
  case checkpoint
  case track
  case spectrograms

  /// Looks into a file, which is tried first by another process.
  /// - Throws: `badData` for any other file.
  init(of path: String) throws {
    try TrialProcess().run(HDF5FileKind.trial, on: path)
    let file = try File.open(path)
    switch try? file.textAttribute("format") {
    case "crnn-dist snapshot": self = .snapshot
    case "crnn-dist checkpoint": self = .checkpoint
    default:
      if SpectrogramFile.isSpectrograms(file) {
        self = .spectrograms
        return
      }
      guard file.contains("analysis/songs"), file.contains("metadata/songs") else {
        throw Failure(
          .badData, "\(path): an HDF5 file, but no track file, snapshot, checkpoint or file of spectrograms",
          remedy: "it has no /analysis/songs, no /features and no attribute format")
      }
      self = .track
    }
  }

  /// Whether a file is a checkpoint; false for one that is none of the program's.
  static func isCheckpoint(_ path: String) throws -> Bool {
    do {
      return try HDF5FileKind(of: path) == .checkpoint
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static let trial = "kind of file"
  /// What is tried of a file before it is looked into.
  static let trials: [String: TrialProcess.Trial] = [trial: { _ = try HDF5FileKind(of: $0) }]
}
