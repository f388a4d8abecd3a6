import Diagnosis
import FileAccess
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
