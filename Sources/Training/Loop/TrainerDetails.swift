import DataParallel
import Metrics
import TensorBoardEvents

/// What a run tells beside figures: on rank 0 alone.
extension Trainer {
  /// What rank 0 has gathered, as curves; none elsewhere.
  func curves(of predictions: Predictions?) -> [DecisionCurve] {
    guard let predictions else { return [] }
    return DecisionCurve.all(
      probabilities: predictions.probabilities, labels: sides.labels(of: predictions.songs.map(Int.init)),
      tagCount: sides.tagCount)
  }

  /// Every replica has the same weights and the same sum of gradients: rank 0's are all ranks'.
  func tellHistograms() {
    let every = configuration.histogramsEvery
    guard every > 0, progress.step % every == 0, communicator.isRoot else { return }
    let values = [("weights", replica.parameters), ("gradients", replica.gradientSum)].flatMap { group, arena in
      arena.placements.compactMap { placement in
        ValueHistogram(arena.values(of: placement.name) ?? []).map { ("\(group)/\(placement.name)", $0) }
      }
    }
    recorders.record(.histograms(HistogramReport(step: progress.step, values: values)))
  }
}
