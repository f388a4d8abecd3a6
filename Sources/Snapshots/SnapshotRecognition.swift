import Diagnosis
import HDF5
import Isolation

extension Snapshot {
  /// Whether the file at a path says that it is a snapshot, of whatever version. Another process looks first.
  /// - Throws: `missingInput` where it cannot be read, `fault` where the other process is killed.
  package static func isSnapshot(at path: String) throws -> Bool {
    do {
      try TrialProcess().run(formatTrial, on: path)
      return isSnapshot(try File.open(path))
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static let formatTrial = "format of snapshot"
  /// What is tried of a file before its format is looked at.
  public static let formatTrials: [String: TrialProcess.Trial] = [
    formatTrial: { _ = isSnapshot(try File.open($0)) }
  ]
}
