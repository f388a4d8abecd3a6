import Checkpointing
import DataParallel
import Diagnosis
import Foundation
import MessagePassing
import Networks

/// Decides when a checkpoint is due and has rank 0 write it.
final class CheckpointSaver {
  let folder: RunFolder
  private let configuration: RunConfiguration
  private let content: RunCheckpoint
  private let communicator: any Communicator
  private var lastSave = Date()
  private var pending: Failure?

  init(
    _ folder: RunFolder, _ configuration: RunConfiguration, _ content: RunCheckpoint,
    _ communicator: any Communicator
  ) {
    self.folder = folder
    self.configuration = configuration
    self.content = content
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
  func save(_ path: String, _ replica: Replica, _ optimizer: any Optimizer, _ progress: RunProgress) throws {
    try communicator.checkReplicasAgree(
      [replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena),
      when: "after step \(progress.step)")
    try communicator.agree {
      guard communicator.isRoot else { return }
      if let pending { throw pending }
      try content.checkpoint(replica, optimizer, progress).write(to: path)
      folder.prune(keepingEpochs: configuration.keepCheckpoints)
    }
    lastSave = Date()
  }

  /// Keeps a recorder's failure until all ranks meet at the next checkpoint, where they can end together.
  func noting(_ body: () throws -> Void) {
    do { try body() } catch { pending = pending ?? Failure(wrapping: error, while: "recording the run") }
  }
}
