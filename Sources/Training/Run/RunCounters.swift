import Checkpointing
import Diagnosis

/// The numbers by which a checkpoint tells how far its run has come, and the values that a run can give them.
///
/// A checksum finds damage, not intent: anybody can write a checkpoint with any number in it, and make the checksum
/// right. So these are looked at whenever a checkpoint is opened, to go on from it or to use its network alone.
enum RunCounters {
  /// Epochs that are finished, and the one that a run goes on with.
  static let finishedEpochs = 0...1_000_000
  static let epochs = 1...1_000_001
  /// A step's number is a word of the random numbers' counters.
  static let steps = 0...Int(UInt32.max)
  private static let mostSongs = 1 << 40

  /// Checks those that are there; a network from another program has none.
  /// - Throws: `badData` for a value that no run can have.
  static func check(_ checkpoint: Checkpoint) throws {
    func check(_ name: String, in range: ClosedRange<Int>) throws {
      if checkpoint.integers[name] != nil { _ = try checkpoint.integer(name, in: range) }
    }
    for (name, range) in [("step", steps), ("optimizer_steps", steps)] { try check(name, in: range) }
    if checkpoint.integers["epoch"] != nil { _ = try nextEpoch(of: checkpoint) }
    try check("position", in: 0...mostSongs)
    // The best epoch is one of those that have begun.
    try check(
      "best_epoch",
      in: 0...(checkpoint.integers["next_epoch"] ?? checkpoint.integers["epoch"] ?? epochs.upperBound))
    if checkpoint.numbers["loss_sum"] != nil { _ = try lossSum(of: checkpoint) }
    if checkpoint.numbers["best_validation_auc"] != nil { try checkBest(checkpoint) }
  }

  /// The epoch that a run goes on with. Of old, `epoch` said that, where it now says which is finished.
  static func nextEpoch(of checkpoint: Checkpoint) throws -> Int {
    guard checkpoint.integers["next_epoch"] != nil else { return try checkpoint.integer("epoch", in: epochs) }
    let finished = try checkpoint.integer("epoch", in: finishedEpochs)
    return try checkpoint.integer("next_epoch", in: finished + 1...finished + 1)
  }

  /// The sum over the epoch's songs so far, of which no one's loss exceeds single precision.
  static func lossSum(of checkpoint: Checkpoint) throws -> Double {
    let songs = max(0, checkpoint.integers["position"] ?? mostSongs)
    return try checkpoint.number("loss_sum", in: 0...Double(songs) * Double(Float.greatestFiniteMagnitude))
  }

  /// The best validation ROC-AUC; nil, which the file says as "not a number", where there is none yet.
  static func bestAUC(of checkpoint: Checkpoint) throws -> Double? {
    try checkpoint.number("best_validation_auc").isNaN
      ? nil : try checkpoint.number("best_validation_auc", in: 0...1)
  }

  /// A best result has an epoch, and the other way round.
  private static func checkBest(_ checkpoint: Checkpoint) throws {
    let best = try bestAUC(of: checkpoint)
    guard let epoch = checkpoint.integers["best_epoch"], (epoch == 0) != (best == nil) else { return }
    throw Failure(
      .badData,
      "\(checkpoint.source): best_epoch is \(epoch), but best_validation_auc is "
        + "\(best.map { "\($0)" } ?? "not known"), expected both or neither")
  }
}
