import Diagnosis
import HDF5
import Isolation

extension SpectrogramFile {
  /// Whether the file at a path is to be taken for one of spectrograms. Another process looks first.
  /// - Throws: `missingInput` where it cannot be read, `fault` where the other process is killed.
  public static func isSpectrograms(at path: String) throws -> Bool {
    do {
      try TrialProcess().run(kindTrial, on: path)
      return isSpectrograms(try File.open(path))
    } catch let failure as Failure where failure.kind == .badData {
      return false
    }
  }

  private static let kindTrial = "kind of spectrograms"
  /// What is tried of a file before its kind is looked at.
  public static let kindTrials: [String: TrialProcess.Trial] = [
    kindTrial: { _ = isSpectrograms(try File.open($0)) }
  ]
}
