import Checkpointing
import DataParallel
import Diagnosis
import FileAccess
import Foundation
import MessagePassing
import Networks

/// Decides when a checkpoint is due and has rank 0 write it, beside the training.
final class CheckpointSaver {
  let folder: RunFolder
  private let configuration: RunConfiguration
  private let content: RunCheckpoint
  private let communicator: any Communicator
  /// Rank 0's.
  private let writer: CheckpointWriter?
  private var lastSave = Date()

  /// - Parameters:
  ///   - claim: rank 0's, looked at before each file.
  ///   - newestGood: the checkpoint that the run goes on from.
  init(
    _ folder: RunFolder, _ configuration: RunConfiguration, _ content: RunCheckpoint, claim: WriterClaim?,
    newestGood: String?, _ communicator: any Communicator
  ) {
    self.folder = folder
    self.configuration = configuration
    self.content = content
    self.communicator = communicator
    let kept = configuration.keepCheckpoints
    writer =
      communicator.isRoot
      ? CheckpointWriter(claim: claim, newestGood: newestGood) { folder.prune(keepingEpochs: kept) } : nil
  }

  /// Rank 0's wish: its clock decides where seconds count, and a disk that is slower than the clock is not hurried. The
  /// others have none.
  func isDue(afterStep step: Int) -> Bool {
    guard let writer else { return false }
    return switch configuration.checkpointEvery {
    case .epochs: false
    case .steps(let interval): step % interval == 0
    case .seconds(let interval): Date().timeIntervalSince(lastSave) >= Double(interval) && !writer.isWriting
    }
  }

  /// The last epoch always has one.
  func isDue(afterEpoch epoch: Int) -> Bool {
    guard epoch < configuration.epochs, case .epochs(let interval) = configuration.checkpointEvery else {
      return true
    }
    return epoch % interval == 0
  }

  /// Has a state that all replicas share written, under the first of these paths; the others become names of the same
  /// file where the file system has such. Returns when the state is copied. Collective.
  ///
  /// A file that cannot be written is no error here: see `takeEvents` and `settle`.
  func save(_ paths: [String], _ step: TrainingStep, _ progress: RunProgress) throws {
    let (replica, optimizer) = (step.replica, step.optimizer)
    try communicator.checkReplicasAgree(
      [replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena),
      when: "after step \(progress.step)")
    lastSave = Date()
    let errors = try step.settleErrors()
    try communicator.agree {
      guard let writer else { return }
      let state = try content.state(replica, optimizer, errors, progress, reusing: writer.takeSpent())
      writer.write(.init(checkpoint: state, paths: paths) { try RunCheckpoint.describe(progress, in: &$0) })
    }
  }

  /// What rank 0 has to tell of files since this was called last.
  /// - Throws: `unwritable`, on rank 0, where another job has taken the folder over.
  func takeEvents() throws -> [RunEvent] {
    guard let writer else { return [] }
    return try writer.takeOutcomes().map { outcome in
      switch outcome {
      case .written(let path): return .checkpoint(path: path)
      case .failed(let failure):
        let good = writer.lastGood.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint yet"
        return .warning("\(failure.message); \(good); it is tried again with the next one")
      case .folderIsLost(let failure): throw failure
      }
    }
  }

  /// Waits until all files are on the disk. Collective.
  /// - Throws: `unwritable` on all ranks where the last state or the best one is not.
  func settle() throws {
    try communicator.agree {
      guard let writer else { return }
      writer.finish()
      guard let failure = writer.failure else { return }
      let good = writer.lastGood.map { "the last good one is \($0)" } ?? "there is none"
      throw Failure(
        .unwritable, "the last checkpoint could not be written: \(failure.message); \(good)",
        remedy: "make room, then run the same line again with --resume")
    }
  }

  /// Rank 0 waits until nothing is being written.
  func finish() { writer?.finish() }

  /// The newest checkpoint that can be gone on with, in words; known to rank 0.
  var lastGoodInWords: String {
    finish()
    return writer?.lastGood.map { "the last good checkpoint is \($0)" } ?? "there is no checkpoint of it"
  }
}
