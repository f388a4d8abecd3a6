/// How well decisions agree with the songs' tags: tags said from a threshold on, and the first tags of each song.
public struct DecisionMetrics: Sendable, Equatable {
  /// One tag's decisions.
  public struct Tag: Sendable, Equatable {
    /// Songs that are said to have the tag and do, are said to and do not, and are not said to and do.
    public let truePositives, falsePositives, falseNegatives: Int

    /// Of the songs that are said to have it; nil where none is.
    public var precision: Double? { share(truePositives, of: truePositives + falsePositives) }
    /// Of the songs that have it; nil where none does.
    public var recall: Double? { share(truePositives, of: truePositives + falseNegatives) }
    /// The harmonic mean of both, 2 TP / (2 TP + FP + FN); nil where no song has the tag.
    public var f1: Double? {
      truePositives + falseNegatives == 0
        ? nil : share(2 * truePositives, of: 2 * truePositives + falsePositives + falseNegatives)
    }

    private func share(_ part: Int, of all: Int) -> Double? { all == 0 ? nil : Double(part) / Double(all) }
  }

  /// From which probability on a song is said to have each tag.
  public let thresholds: [Float]
  public let tags: [Tag]
  /// The mean over the tags that a song has; nil where no song has any.
  public let macroF1: Double?
  /// Of all decisions pooled.
  public let microF1: Double?
  /// For each K: the share of right ones among a song's K most probable tags, the mean over the songs that have a tag; nil
  /// where none has.
  public let precisionAt: [(k: Int, value: Double?)]

  /// - Parameters:
  ///   - probabilities: `[songs × tags]`, row-major.
  ///   - labels: the same shape; any value but 0 means that the song has the tag.
  ///   - thresholds: one for each tag.
  ///   - places: the Ks; one of more than there are tags is taken for all of them.
  public init(probabilities: [Float], labels: [UInt8], thresholds: [Float], places: [Int] = [1, 5, 10]) {
    self.thresholds = thresholds
    let tagCount = thresholds.count
    var counts = [(right: Int, wrong: Int, missed: Int)](repeating: (0, 0, 0), count: tagCount)
    for index in probabilities.indices {
      switch (probabilities[index] >= thresholds[index % tagCount], labels[index] != 0) {
      case (true, true): counts[index % tagCount].right += 1
      case (true, false): counts[index % tagCount].wrong += 1
      case (false, true): counts[index % tagCount].missed += 1
      case (false, false): break
      }
    }
    func tag(_ count: (right: Int, wrong: Int, missed: Int)) -> Tag {
      Tag(truePositives: count.right, falsePositives: count.wrong, falseNegatives: count.missed)
    }
    tags = counts.map(tag)
    let defined = tags.compactMap(\.f1)
    macroF1 = defined.isEmpty ? nil : defined.reduce(0, +) / Double(defined.count)
    microF1 = tag(counts.reduce((0, 0, 0)) { ($0.0 + $1.right, $0.1 + $1.wrong, $0.2 + $1.missed) }).f1
    precisionAt = Self.precision(at: places, probabilities, labels, tagCount)
  }

  /// The same with one threshold for all tags.
  public init(
    probabilities: [Float], labels: [UInt8], tagCount: Int, threshold: Float = DecisionThresholds.standard,
    places: [Int] = [1, 5, 10]
  ) {
    self.init(
      probabilities: probabilities, labels: labels, thresholds: [Float](repeating: threshold, count: tagCount),
      places: places)
  }

  private static func precision(
    at places: [Int], _ probabilities: [Float], _ labels: [UInt8], _ tagCount: Int
  ) -> [(k: Int, value: Double?)] {
    var sums = [Double](repeating: 0, count: places.count)
    var songs = 0
    for start in stride(from: 0, to: probabilities.count, by: max(1, tagCount)) {
      let row = start..<start + tagCount
      guard labels[row].contains(where: { $0 != 0 }) else { continue }
      songs += 1
      let order = row.sorted { (probabilities[$1], $0) < (probabilities[$0], $1) }
      for (index, k) in places.enumerated() {
        let first = order.prefix(k)
        sums[index] += Double(first.count { labels[$0] != 0 }) / Double(first.count)
      }
    }
    return zip(places, sums).map { ($0, songs == 0 ? nil : $1 / Double(songs)) }
  }

  public static func == (first: DecisionMetrics, second: DecisionMetrics) -> Bool {
    first.thresholds == second.thresholds && first.tags == second.tags && first.macroF1 == second.macroF1
      && first.microF1 == second.microF1
      && first.precisionAt.elementsEqual(second.precisionAt) { $0.k == $1.k && $0.value == $1.value }
  }
}
