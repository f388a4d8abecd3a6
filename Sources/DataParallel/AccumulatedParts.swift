import Kernels
import Networks

/// What the parts of a batch come to together: sums of their gradients, and means of their batch statistics.
///
/// Every part's gradients are those of the mean over the whole batch's songs, as far as its own songs contribute: they need
/// no weight, however unequal the parts are. Batch statistics are means over a part's songs, and are weighted.
final class AccumulatedParts {
  private let replica: Replica
  private let gradients: GradientArena
  private let statistics: GradientArena

  init(_ replica: Replica) {
    self.replica = replica
    gradients = GradientArena(like: replica.gradients)
    statistics = GradientArena(like: replica.batchStatistics)
  }

  /// The last part's gradients become the sum with those of the parts before, as soon as a range of them is there.
  func add(_ range: Range<Int>) {
    let (own, before) = (replica.gradients.storage.start, gradients.storage.start)
    forEach(in: range) { own[$0] = before[$0] + own[$0] }
  }

  /// Takes up a part when its pass is over.
  func keep(_ part: Int, weight: Double, last: Bool) {
    let isFirst = part == 0
    let (sums, means) = (statistics.storage.start, replica.batchStatistics.storage.start)
    for i in 0..<statistics.count {
      sums[i] = (isFirst ? 0 : sums[i]) + weight * Double(means[i])
      if last { means[i] = Float(sums[i]) }
    }
    guard !last else { return }
    let (own, before) = (replica.gradients.storage.start, gradients.storage.start)
    if isFirst {
      forEach(in: 0..<gradients.count) { before[$0] = own[$0] }
    } else {
      forEach(in: 0..<gradients.count) { before[$0] += own[$0] }
    }
  }

  /// Calls the body for every place of a range, on all threads.
  @inline(__always)
  private func forEach(in range: Range<Int>, _ body: (Int) -> Void) {
    let run = 1 << 14
    replica.team.forEach((range.count + run - 1) / run) { number in
      let start = range.lowerBound + number * run
      for i in start..<min(start + run, range.upperBound) { body(i) }
    }
  }
}
