import Checkpointing
import Diagnosis
import Dispatch
import FileAccess
import Foundation
import HDF5

/// Writes checkpoints on a thread of its own while the training goes on. Rank 0 has one.
///
/// A state is handed over as a copy. One is written at a time: where the disk is slower than the checkpoints come, the
/// next one waits for the one before, so that no more than one copy stands in memory.
final class CheckpointWriter: @unchecked Sendable {
  /// A state and the names that its file is to have.
  struct Order: Sendable {
    var checkpoint: Checkpoint
    let paths: [String]
    /// What takes long to put into words, done beside the training too.
    let complete: @Sendable (inout Checkpoint) throws -> Void
  }

  /// What came of a file.
  enum Outcome {
    case written(path: String)
    case failed(Failure)
    /// Nothing may be written there any more.
    case folderIsLost(Failure)
  }

  private let queue = DispatchQueue(label: "checkpoints")
  private let condition = NSCondition()
  private let claim: WriterClaim?
  private let prune: @Sendable () -> Void
  /// Where files are made. It is kept like the memory of states, since fresh pages are dear beside a training.
  private let memory = ImageMemory()
  // Under the condition's lock:
  private var isBusy = false
  private var order: Order?
  /// The state that was written last, for its memory; nobody else holds it.
  private var spent: Checkpoint?
  private var outcomes: [Outcome] = []
  private var newestGood: String?
  /// The files that could not be written and are wanted still: the last state, and the best one.
  private var unwritten: [String: (checkpoint: Checkpoint, failure: Failure)] = [:]

  /// - Parameters:
  ///   - newestGood: the checkpoint that the run goes on from.
  ///   - prune: removes needless files; called when a file has been written.
  init(claim: WriterClaim?, newestGood: String?, prune: @escaping @Sendable () -> Void) {
    self.claim = claim
    self.newestGood = newestGood
    self.prune = prune
  }

  /// Whether a file is being written now.
  var isWriting: Bool { condition.withLock { isBusy } }

  /// The newest file that has been written, or the one that the run went on from; nil: there is none.
  var lastGood: String? { condition.withLock { newestGood } }

  /// Has a state written; waits for the one before.
  func write(_ order: Order) {
    finish()
    condition.withLock {
      isBusy = true
      self.order = order
    }
    queue.async { [self] in
      performOrder()
      condition.withLock {
        isBusy = false
        condition.broadcast()
      }
    }
  }

  /// A state that has been written, for its memory; an empty one where there is none. Waits for what is being written.
  func takeSpent() -> Checkpoint {
    finish()
    return condition.withLock {
      defer { spent = nil }
      return spent ?? Checkpoint()
    }
  }

  /// Waits until nothing is being written.
  func finish() {
    condition.withLock { while isBusy { condition.wait() } }
  }

  /// What has come of files since this was asked last.
  func takeOutcomes() -> [Outcome] {
    condition.withLock {
      defer { outcomes = [] }
      return outcomes
    }
  }

  /// Why a file that is wanted still could not be written; nil where none is missing.
  var failure: Failure? { condition.withLock { unwritten.min { $0.key < $1.key }?.value.failure } }

  // MARK: On the queue

  private func performOrder() {
    // The order is taken away, not shared: only memory that has one owner can be used again.
    let taken = condition.withLock {
      defer { order = nil }
      return order
    }
    guard let order = taken else { return }
    var checkpoint = order.checkpoint
    perform(order, &checkpoint)
    condition.withLock { spent = checkpoint }
  }

  private func perform(_ order: Order, _ checkpoint: inout Checkpoint) {
    do {
      try claim?.check()
    } catch {
      return tell(.folderIsLost(Failure(wrapping: error, while: "looking after the run's folder")))
    }
    do {
      try order.complete(&checkpoint)
    } catch {
      return tell(.failed(Failure(wrapping: error, while: "describing the run in a checkpoint")))
    }
    // The last state stands for those before it. The best one of before is still wanted, unless this is a better one.
    let (best, states) = condition.withLock {
      let best = unwritten.filter { $0.key.hasSuffix("/best.h5") && !order.paths.contains($0.key) }
      unwritten = best
      return (best, order.paths)
    }
    for (path, missing) in best { _ = write(missing.checkpoint, path, linkTo: nil) }
    var written: String?
    for path in states where write(checkpoint, path, linkTo: written) { written = written ?? path }
    if written != nil { prune() }
  }

  /// Whether the file is there then.
  /// - Parameter other: a file with the same contents, of which a second name is enough where the file system has such.
  private func write(_ checkpoint: Checkpoint, _ path: String, linkTo other: String?) -> Bool {
    do {
      if let other, try replaceFile(path, withLinkTo: other) {
      } else {
        try checkpoint.write(to: path, by: memory)
      }
    } catch {
      let failure = Failure(wrapping: error, while: "\(path): writing the checkpoint")
      condition.withLock { unwritten[path] = (checkpoint, failure) }
      tell(.failed(failure))
      return false
    }
    condition.withLock {
      unwritten[path] = nil
      newestGood = path
    }
    tell(.written(path: path))
    return true
  }

  private func tell(_ outcome: Outcome) { condition.withLock { outcomes.append(outcome) } }
}
