import Diagnosis
import FileAccess
import Foundation
import Networks

/// A step benchmark's result against a stored one.
public struct StepComparison: Codable, Sendable {
  /// How many times as fast as the stored result.
  public let ratio: Double
  /// What else differs than the speed, in words: where there is something, the ratio is not the program's alone.
  public let differences: [String]
  /// Phases of both, in the order of the new result.
  public let phases: [Phase]

  public struct Phase: Codable, Sendable {
    public let layer: String
    public let phase: String
    /// Nil where the result has no such phase.
    public let storedSeconds: Double?
    public let seconds: Double?
    /// How many times as fast as the stored one.
    public let ratio: Double?

    enum CodingKeys: String, CodingKey {
      case layer, phase, seconds, ratio
      case storedSeconds = "stored_seconds"
    }
  }

  public init(stored: StepMeasurement, now: StepMeasurement) {
    ratio = now.songsPerSecond / stored.songsPerSecond
    differences = Self.differences(stored, now)
    let (old, new) = (stored.phases ?? [], now.phases ?? [])
    func isSame(_ one: StepMeasurement.Phase, _ other: StepMeasurement.Phase) -> Bool {
      one.layer == other.layer && one.phase == other.phase
    }
    let found = new.map { phase in (phase, old.first { isSame($0, phase) }) }
    let gone = old.filter { phase in !new.contains { isSame($0, phase) } }
    phases =
      found.map { phase, stored in
        Phase(
          layer: phase.layer, phase: phase.phase, storedSeconds: stored?.seconds, seconds: phase.seconds,
          ratio: stored.flatMap { phase.seconds > 0 ? $0.seconds / phase.seconds : nil })
      }
      + gone.map {
        Phase(layer: $0.layer, phase: $0.phase, storedSeconds: $0.seconds, seconds: nil, ratio: nil)
      }
  }

  private static func differences(_ stored: StepMeasurement, _ now: StepMeasurement) -> [String] {
    var differences: [String] = []
    func compare<Value: Equatable>(_ what: String, _ field: (StepMeasurement) -> Value) {
      let (before, after) = (field(stored), field(now))
      if before != after { differences.append("\(what) was \(before), is \(after)") }
    }
    /// For fields that an older result does not tell.
    func compareKnown<Value: Equatable>(_ what: String, _ field: (StepMeasurement) -> Value?) {
      guard let before = field(stored), let after = field(now), before != after else { return }
      differences.append("\(what) was \(before), is \(after)")
    }
    compare("processor", \.processor)
    compare("threads") { $0.threads }
    compare("ranks") { $0.worldSize }
    compare("kind") { $0.kind }
    compare("batch_size") { $0.batchSize }
    compare("segments") { $0.segments }
    compare("filters") { $0.filters }
    compareKnown("pooling") { $0.pooling }
    compareKnown("input_channels") { $0.inputChannels }
    compare("recurrent_units") { $0.recurrentUnits }
    compareKnown("dense_units") { $0.denseUnits }
    compare("tags") { $0.tags }
    compare("batch_norm") { $0.batchNorm }
    compare("optimizer") { $0.optimizer ?? Adam.name }
    compare("clip_norm") { $0.clipNorm.map { "\($0)" } ?? "none" }
    return differences
  }
}

extension StepMeasurement {
  /// Reads what `benchmark step --json` wrote. Throws `missingInput` where there is no such file, `badData` where it
  /// holds something else.
  public static func read(_ path: String) throws -> StepMeasurement {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: 16 << 20)
    } catch {
      throw Failure(.missingInput, "\(path): cannot read the stored result: \(error)")
    }
    do {
      let measurement = try JSONDecoder().decode(StepMeasurement.self, from: Data(bytes))
      guard measurement.songsPerSecond > 0, measurement.songsPerSecond.isFinite else {
        throw Failure(.badData, "\(path): songs_per_second is \(measurement.songsPerSecond), expected above 0")
      }
      return measurement
    } catch let error as DecodingError {
      throw Failure(
        .badData, "\(path): not a result of benchmark step: \(error.inWords)",
        remedy: "store one with crnn-dist benchmark step --json > \(path)")
    }
  }
}

extension DecodingError {
  fileprivate var inWords: String {
    switch self {
    case .keyNotFound(let key, _): "no field \(key.stringValue)"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      "the field \(context.codingPath.map(\.stringValue).joined(separator: ".")) has another type than expected"
    default: "it is no JSON"
    }
  }
}
