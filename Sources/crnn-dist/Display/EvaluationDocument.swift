import Foundation
import Judging
import Metrics
import Training

/// What `evaluate --json` prints.
struct EvaluationDocument: Encodable {
  let report: Evaluation.Report
  let threshold: TagChoice.Threshold
  let comparison: Comparison?

  private enum Key: String, CodingKey {
    case checkpoint, data, split, songs, epoch, step, loss, tags, intervals, against
    case rule = "split_rule"
    case seed = "split_seed"
    case trainedOn = "trained_on"
    case f1Macro = "f1_macro"
    case f1Micro = "f1_micro"
    case threshold
    case precisionAt = "precision_at"
    case macro = "auc_macro"
    case micro = "auc_micro"
    case average = "pr_auc_macro"
    case macroInterval = "auc_macro_interval"
    case microInterval = "auc_micro_interval"
    case averageInterval = "pr_auc_macro_interval"
    case keras = "auc_keras"
    case undefined = "undefined_tags"
    case notBetter = "no_better_than_chance"
    case tooFew = "too_few_to_tell"
  }

  func encode(to encoder: any Encoder) throws {
    var document = encoder.container(keyedBy: Key.self)
    let (metrics, decisions) = (report.metrics, report.decisions)
    let provenance = report.provenance
    // One is a name, several are a list of names.
    if provenance.checkpoints.count == 1 {
      try document.encode(provenance.checkpoints[0], forKey: .checkpoint)
    } else {
      try document.encode(provenance.checkpoints, forKey: .checkpoint)
    }
    try document.encode(provenance.data, forKey: .data)
    try document.encode(provenance.split?.rule, forKey: .rule)
    try document.encode(provenance.split?.seed, forKey: .seed)
    try document.encode(provenance.trainedOn, forKey: .trainedOn)
    try document.encode(report.side.description, forKey: .split)
    try document.encode(report.songs, forKey: .songs)
    try document.encode(report.epoch, forKey: .epoch)
    try document.encode(report.step, forKey: .step)
    try document.encode(metrics.loss, forKey: .loss)
    try document.encode(metrics.macroROCAUC, forKey: .macro)
    try document.encode(metrics.microROCAUC, forKey: .micro)
    try document.encode(metrics.macroAveragePrecision, forKey: .average)
    try document.encode(metrics.kerasAUC, forKey: .keras)
    try document.encode(metrics.undefinedTags, forKey: .undefined)
    switch threshold {
    case .probability(let probability): try document.encode(probability, forKey: .threshold)
    case .own: try document.encode(threshold.description, forKey: .threshold)
    }
    try document.encode(decisions.macroF1, forKey: .f1Macro)
    try document.encode(decisions.microF1, forKey: .f1Micro)
    try document.encode(
      Dictionary(uniqueKeysWithValues: decisions.precisionAt.map { ("\($0.k)", $0.value) }), forKey: .precisionAt)
    if let judgement = report.judgement { try encode(judgement, to: &document) }
    if let comparison { try document.encode(DifferenceDocument(comparison, tags: report.tags), forKey: .against) }
    let rows = report.tags.indices.map { index in
      TagRow(
        report.tags[index], metrics.tags[index], decisions.tags[index], decisions.thresholds[index],
        report.judgement?.tags[index])
    }
    try document.encode(rows, forKey: .tags)
  }

  private func encode(_ judgement: Judgement, to document: inout KeyedEncodingContainer<Key>) throws {
    try document.encode(judgement.macroROCAUC.map(Ends.init), forKey: .macroInterval)
    try document.encode(judgement.microROCAUC.map(Ends.init), forKey: .microInterval)
    try document.encode(judgement.macroAveragePrecision.map(Ends.init), forKey: .averageInterval)
    try document.encode(
      IntervalsRow(
        level: Interval.level, resamples: judgement.bootstrap.resamples, seed: judgement.bootstrap.seed,
        artists: judgement.artists), forKey: .intervals)
    try document.encode(report.tags(judged: .notBetter), forKey: .notBetter)
    try document.encode(report.tags(judged: .tooFew), forKey: .tooFew)
  }
}

/// An interval as a list of two.
private struct Ends: Encodable {
  let interval: Interval

  init(_ interval: Interval) { self.interval = interval }

  func encode(to encoder: any Encoder) throws {
    var list = encoder.unkeyedContainer()
    try list.encode(interval.lower)
    try list.encode(interval.upper)
  }
}

/// How intervals were made.
private struct IntervalsRow: Encodable {
  let level: Double
  let resamples: Int
  let seed: UInt64
  let artists: Int
}

private struct TagRow: Encodable {
  private let name: String
  private let metrics: TagMetrics.Tag
  private let decisions: DecisionMetrics.Tag
  private let threshold: Float
  private let judged: Judgement.Tag?

  init(
    _ name: String, _ metrics: TagMetrics.Tag, _ decisions: DecisionMetrics.Tag, _ threshold: Float,
    _ judged: Judgement.Tag?
  ) {
    self.name = name
    self.metrics = metrics
    self.decisions = decisions
    self.threshold = threshold
    self.judged = judged
  }

  private enum Key: String, CodingKey {
    case tag, positives, artists, auc, verdict, threshold, f1, precision, recall
    case interval = "auc_interval"
    case averagePrecision = "pr_auc"
    case precisionInterval = "pr_auc_interval"
  }

  func encode(to encoder: any Encoder) throws {
    var row = encoder.container(keyedBy: Key.self)
    try row.encode(name, forKey: .tag)
    try row.encode(metrics.positives, forKey: .positives)
    // Undefined is said (null), not left out.
    try row.encode(metrics.rocAUC, forKey: .auc)
    try row.encode(metrics.averagePrecision, forKey: .averagePrecision)
    try row.encode(threshold, forKey: .threshold)
    try row.encode(decisions.f1, forKey: .f1)
    try row.encode(decisions.precision, forKey: .precision)
    try row.encode(decisions.recall, forKey: .recall)
    guard let judged else { return }
    try row.encode(judged.artists, forKey: .artists)
    try row.encode(judged.rocAUC.map(Ends.init), forKey: .interval)
    try row.encode(judged.averagePrecision.map(Ends.init), forKey: .precisionInterval)
    try row.encode(judged.verdict, forKey: .verdict)
  }
}

/// What `--against` adds: differences, the checkpoint's less the other's.
private struct DifferenceDocument: Encodable {
  struct Difference: Encodable {
    let value: Double
    let interval: Ends
    let isSure: Bool

    init(_ difference: PairedDifference.Difference) {
      value = difference.value
      interval = Ends(difference.interval)
      isSure = difference.isSure
    }

    enum CodingKeys: String, CodingKey {
      case value, interval
      case isSure = "excludes_zero"
    }
  }

  struct Row: Encodable {
    let tag: String
    let auc: Difference?

    enum CodingKeys: String, CodingKey { case tag, auc }

    func encode(to encoder: any Encoder) throws {
      var row = encoder.container(keyedBy: CodingKeys.self)
      try row.encode(tag, forKey: .tag)
      // Undefined is said (null), not left out.
      try row.encode(auc, forKey: .auc)
    }
  }

  let checkpoint: String
  let songs: Int
  let artists: Int
  let macro: Difference?
  let micro: Difference?
  let average: Difference?
  let tags: [Row]

  init(_ comparison: Comparison, tags names: [String]) {
    let difference = comparison.difference
    checkpoint = comparison.other
    songs = difference.songs
    artists = difference.artists
    macro = difference.macroROCAUC.map(Difference.init)
    micro = difference.microROCAUC.map(Difference.init)
    average = difference.macroAveragePrecision.map(Difference.init)
    tags = zip(names, difference.tags).map { Row(tag: $0, auc: $1.map(Difference.init)) }
  }

  enum CodingKeys: String, CodingKey {
    case checkpoint, songs, artists, tags
    case macro = "auc_macro"
    case micro = "auc_micro"
    case average = "pr_auc_macro"
  }
}
