/// Why scores cannot be judged.
public enum MetricsError: Error, Equatable, CustomStringConvertible {
  /// The score at this index is not a number: training has diverged, or the weights are damaged.
  case notANumber(index: Int)
  /// There are not as many labels as scores.
  case unequalCounts(scores: Int, labels: Int)
  /// The scores do not divide into rows of one for each tag.
  case incompleteRows(scores: Int, tags: Int)

  public var description: String {
    switch self {
    case .notANumber(let index):
      "the score at index \(index) is not a number: training diverged, or the weights are damaged"
    case .unequalCounts(let scores, let labels):
      "there are \(scores) scores but \(labels) labels"
    case .incompleteRows(let scores, let tags):
      "\(scores) scores are not whole rows of \(tags) tags"
    }
  }
}
