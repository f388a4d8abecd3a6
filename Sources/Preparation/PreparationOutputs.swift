import Diagnosis
import FileAccess
import HierarchicalData
import Isolation
import MessagePassing
import Snapshots
import Splits
import Tags

/// What a preparation writes, claimed before anything is read.
extension PreparationOptions {
  /// Claims the paths of a snapshot and of its lists. Collective; rank 0 looks.
  /// - Throws: `usage` where something stands there that is not to be replaced.
  func claim(snapshot: String, replacing: Bool, lists: String, _ communicator: any Communicator) throws {
    try communicator.agree {
      guard communicator.isRoot else { return }
      let claim = OutputClaim(inputs: inputs)
      let option = OutputClaim.Predecessor.Permission.byOption("--force", isGiven: replacing)
      try claim.file(snapshot, replacing: .init("a snapshot", option, isAt: Snapshot.isSnapshot(at:)))
      try claimLists(lists, claim)
    }
  }

  /// Claims the paths of lists alone. Collective; rank 0 looks.
  func claim(lists: String, _ communicator: any Communicator) throws {
    try communicator.agree {
      if communicator.isRoot { try claimLists(lists, OutputClaim(inputs: inputs)) }
    }
  }

  private func claimLists(_ path: String, _ claim: OutputClaim) throws {
    for list in PreparationLists.Kind.allCases {
      try claim.file(
        list.path(path),
        replacing: .init("a list that an earlier preparation wrote", .given, isAt: { try list.isAt($0) }))
    }
  }

  /// The files and folders that are read.
  private var inputs: [String] {
    var inputs = [trackFiles] + [lastFMTags].compactMap { $0 }
    if case .list(let path) = tags { inputs.append(path) }
    return inputs + (split?.lists?.files.map(\.path) ?? [])
  }
}

extension Snapshot {
  /// Whether the file at a path says that it is a snapshot, of whatever version. Another process looks first.
  /// - Throws: `missingInput` where it cannot be read, `fault` where the other process is killed.
  static func isSnapshot(at path: String) throws -> Bool {
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
