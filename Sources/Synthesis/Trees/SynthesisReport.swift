import Foundation
import Metrics

/// What a synthetic set is and how well any model can do on it; kept as `synthesis.json` beside the songs.
public struct SynthesisReport: Sendable, Encodable, Equatable {
  /// The layout of the report.
  public var formatVersion = 1
  /// False while songs are being written.
  public var complete: Bool
  public var parameters: SynthesisParameters
  public var counts: Counts?
  /// The best that any model can reach; nil while songs are being written, or where no tag is defined.
  public var best: Best?
  public var traits: [String]
  public var tags: [TagProcess.Tag]
  /// One a tag, in the same order; nil while songs are being written.
  public var tagResults: [TagResult]?

  /// Songs by what became of their Last.fm records.
  public struct Counts: Sendable, Encodable, Equatable {
    public var songs = 0
    /// No record.
    public var missing = 0
    /// A record whose title or artist is spelled differently.
    public var mismatched = 0
    /// An agreeing record without tags.
    public var empty = 0
    /// An agreeing record with tags, none of them of the 50.
    public var otherTags = 0
    /// An agreeing record with at least one tag of the 50: what can be learnt from.
    public var usable = 0

    mutating func add(_ plan: SongPlan, labels: [UInt8]) {
      songs += 1
      switch plan.record {
      case .missing: missing += 1
      case .present(isMismatched: true, _): mismatched += 1
      case .present(_, .empty): empty += 1
      case .present(_, .othersOnly): otherTags += 1
      case .present(_, .drawn): if labels.contains(1) { usable += 1 } else { otherTags += 1 }
      }
    }
  }

  /// Metrics of the true probabilities given the traits against the tags drawn, over the usable songs.
  public struct Best: Sendable, Encodable, Equatable {
    /// ROC-AUC, mean over tags. In a permuted set 0.5: what is learnt there is chance.
    public var macroAUC: Double
    /// ROC-AUC over all decisions pooled; nil in a permuted set, where tags' frequencies alone decide it.
    public var microAUC: Double?
    /// Average precision, mean over tags.
    public var macroPRAUC: Double?
    /// Tags that all usable songs have, or none: left out of the means.
    public var undefinedTags: Int

    enum CodingKeys: String, CodingKey {
      case macroAUC = "macro_auc"
      case microAUC = "micro_auc"
      case macroPRAUC = "macro_pr_auc"
      case undefinedTags
    }
  }

  public struct TagResult: Sendable, Encodable, Equatable {
    public var name: String
    public var positives: Int
    public var auc: Double?
  }

  /// The report of a set that is about to be written.
  package init(starting parameters: SynthesisParameters, _ process: TagProcess = TagProcess()) {
    complete = false
    self.parameters = parameters
    traits = Trait.allCases.map { "\($0)" }
    tags = process.tags
  }

  /// Counts the songs and computes the best results. Depends on the parameters alone.
  package mutating func finish(_ process: TagProcess = TagProcess()) throws {
    let sources = TagSources(parameters)
    var counts = Counts()
    var probabilities: [Float] = []
    var drawn: [UInt8] = []
    for number in 0..<parameters.songs {
      let plan = SongPlan(parameters, number: number, process: process)
      let written = sources.labels(of: plan, process)
      counts.add(plan, labels: written)
      guard plan.record == .present(isMismatched: false, tags: .drawn), written.contains(1) else { continue }
      probabilities += plan.probabilities.map(Float.init)
      drawn += written
    }
    self.counts = counts
    complete = true
    guard counts.usable > 0 else { return }
    let metrics = try TagMetrics(probabilities: probabilities, labels: drawn, tagCount: process.tags.count)
    tagResults = zip(process.tags, metrics.tags).map { tag, result in
      TagResult(name: tag.name, positives: result.positives, auc: parameters.permuteTags ? nil : result.rocAUC)
    }
    guard let macro = metrics.macroROCAUC else { return }
    best = Best(
      macroAUC: parameters.permuteTags ? 0.5 : macro,
      microAUC: parameters.permuteTags ? nil : metrics.microROCAUC,
      macroPRAUC: parameters.permuteTags ? nil : metrics.macroAveragePrecision,
      undefinedTags: metrics.undefinedTags)
  }

  /// The report as JSON, keys in alphabetical order.
  func json() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return Array(try encoder.encode(self)) + [0x0A]
  }

  /// The parameters of the set that a report tells of; nil where the bytes are no report.
  static func parameters(in bytes: [UInt8]) -> SynthesisParameters? {
    struct Report: Decodable { let parameters: SynthesisParameters }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try? decoder.decode(Report.self, from: Data(bytes)).parameters
  }
}
