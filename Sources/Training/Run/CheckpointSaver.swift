import Checkpointing
import DataParallel
import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import Networks

/// Decides when a checkpoint is due and has rank 0 write it.
final class CheckpointSaver {
  let folder: RunFolder
  private let configuration: RunConfiguration
  private let content: RunCheckpoint
  private let recorders: RecorderGroup
  private let communicator: any Communicator
  private var lastSave = Date()
  /// The checkpoint written last and what it holds, known to all ranks.
  private var newest: (path: String, progress: RunProgress)?

  /// - Parameter recorders: whose failure ends the run where all ranks meet for a checkpoint.
  init(
    _ folder: RunFolder, _ configuration: RunConfiguration, _ content: RunCheckpoint, _ recorders: RecorderGroup,
    _ communicator: any Communicator
  ) {
    self.folder = folder
    self.configuration = configuration
    self.content = content
    self.recorders = recorders
    self.communicator = communicator
  }

  /// Rank 0's wish: its clock decides where seconds count. The others have none.
  func isDue(afterStep step: Int) -> Bool {
    guard communicator.isRoot else { return false }
    return switch configuration.checkpointEvery {
    case .epochs: false
    case .steps(let interval): step % interval == 0
    case .seconds(let interval): Date().timeIntervalSince(lastSave) >= Double(interval)
    }
  }

  /// The last epoch always has one.
  func isDue(afterEpoch epoch: Int) -> Bool {
    guard epoch < configuration.epochs, case .epochs(let interval) = configuration.checkpointEvery else {
      return true
    }
    return epoch % interval == 0
  }

  /// Writes a checkpoint of a state that all replicas share, whole or not at all. Collective.
  ///
  /// Of a state that was saved just now under another name, as the best one of an epoch mostly was, no second file is
  /// made where the file system can give one file two names.
  func save(_ path: String, _ replica: Replica, _ optimizer: any Optimizer, _ progress: RunProgress) throws {
    let same = newest?.progress == progress ? newest?.path : nil
    if same == nil {
      try communicator.checkReplicasAgree(
        [replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena),
        when: "after step \(progress.step)")
    }
    try communicator.agree {
      guard communicator.isRoot else { return }
      try recorders.check()
      if let same, try same != path && replaceFile(path, withLinkTo: same) { return }
      try content.checkpoint(replica, optimizer, progress).write(to: path)
      folder.prune(keepingEpochs: configuration.keepCheckpoints)
    }
    newest = (path, progress)
    lastSave = Date()
  }
}
