import Checkpointing
import Diagnosis

/// The losses of steps in a checkpoint: a line each of epoch, step and loss, `nan` for one that was not finite.
enum LoggedLosses {
  static func text(_ losses: [LoggedLoss]) -> String {
    losses.map { "\($0.epoch) \($0.step) \($0.loss ?? .nan)\n" }.joined()
  }

  /// None where the checkpoint has none.
  /// - Throws: `badData` where the text is another, or its steps do not rise up to `step`.
  static func read(_ checkpoint: Checkpoint, upTo step: Int) throws -> [LoggedLoss] {
    guard let text = checkpoint.texts[StoredModel.Key.loggedLosses] else { return [] }
    var losses: [LoggedLoss] = []
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count == 3, let epoch = Int(fields[0]), let number = Int(fields[1]),
        let loss = Double(fields[2]),
        epoch > 0, number > losses.last?.step ?? 0, number <= step
      else {
        throw Failure(
          .badData,
          "\(checkpoint.source): \(StoredModel.Key.loggedLosses): \(line.prefix(80)), expected epoch, step and loss, "
            + "steps rising up to \(step)")
      }
      losses.append(LoggedLoss(epoch: epoch, step: number, loss: loss))
    }
    return losses
  }
}
