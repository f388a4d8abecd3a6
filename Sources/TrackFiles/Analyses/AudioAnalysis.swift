import Diagnosis
import FileAccess
import Foundation
import Segments

/// The audio analysis of one song as JSON, in the shape of Spotify's archive: `track` and `segments`, each segment with
/// `start`, `duration`, `confidence`, `loudness_start`, `loudness_max`, `loudness_max_time`, `pitches` and `timbre`.
///
/// Fields that are not named here are passed over. A field that is there must be what it should be, also where nothing
/// is taken of it: an analysis that is wrong in one place is trusted in none.
struct AudioAnalysis {
  /// What the song is called: the name of its file, since the analysis does not say.
  let trackID: String
  let segments: [Segment]
  private let whole: Whole?
  private let beats, sections: Int?

  /// Values of one segment; those that are not in the file are nil.
  struct Segment: Decodable {
    var start, duration, confidence: Double?
    var loudnessStart, loudnessMax, loudnessMaxTime: Double?
    /// 12 values each.
    var pitches, timbre: [Double]?

    private enum CodingKeys: String, CodingKey {
      case start, duration, confidence, pitches, timbre
      case loudnessStart = "loudness_start"
      case loudnessMax = "loudness_max"
      case loudnessMaxTime = "loudness_max_time"
    }
  }

  /// Of the whole song.
  private struct Whole: Decodable {
    var duration, loudness, tempo: Double?
    var key, mode, timeSignature: Int?
    var keyConfidence, modeConfidence, timeSignatureConfidence: Double?

    private enum CodingKeys: String, CodingKey {
      case duration, loudness, tempo, key, mode
      case timeSignature = "time_signature"
      case keyConfidence = "key_confidence"
      case modeConfidence = "mode_confidence"
      case timeSignatureConfidence = "time_signature_confidence"
    }
  }

  /// Of beats and of sections only their number counts.
  private struct Event: Decodable {}

  private struct Document: Decodable {
    var track: Whole?
    var segments: [Segment]
    var beats, sections: [Event]?
  }

  static let suffix = ".json"

  /// Whether a file is to be taken for an analysis, by its name.
  static func isNamed(_ path: String) -> Bool { path.lowercased().hasSuffix(suffix) }

  /// Reads and checks a whole file.
  /// - Throws: `Failure` that names the path and the field.
  init(at path: String) throws {
    let bytes: [UInt8]
    do {
      bytes = try readWholeFile(path, limit: TrackReader.largestFile)
    } catch {
      throw Failure(.badData, "\(path): \(error)")
    }
    let document: Document
    do {
      document = try JSONDecoder().decode(Document.self, from: Data(bytes))
    } catch let error as DecodingError {
      throw Failure(.badData, "\(path): \(error.inFields)")
    }
    segments = document.segments
    (whole, beats, sections) = (document.track, document.beats?.count, document.sections?.count)
    trackID = String(path.split(separator: "/").last?.dropLast(Self.suffix.count) ?? "")
    guard (1...SegmentLimits.mostInTrackFile).contains(segments.count) else {
      throw Failure(
        .badData,
        "\(path): segments: found \(segments.count), expected 1 to \(SegmentLimits.mostInTrackFile)")
    }
    for (index, segment) in segments.enumerated() {
      if let problem = segment.problem { throw Failure(.badData, "\(path): segments[\(index)].\(problem)") }
    }
  }

  /// A feature of some of the segments, `[segment][width]`.
  /// - Throws: `Failure` where a segment does not have it.
  func values(of feature: Feature, _ range: Range<Int>, path: String) throws -> [Double] {
    var values: [Double] = []
    values.reserveCapacity(range.count * feature.width)
    for index in range {
      guard let own = segments[index][feature] else {
        throw Failure(
          .badData,
          "\(path): segments[\(index)].\(feature.rawValue): not there, expected numbers: \(feature.width)")
      }
      values += own
    }
    return values
  }

  /// What the analysis says of the whole song.
  /// - Throws: `Failure` where something is not there.
  func facts(path: String) throws -> SongFacts {
    func present<Value>(_ name: String, _ value: Value?) throws -> Value {
      guard let value else { throw Failure(.badData, "\(path): \(name): not there") }
      return value
    }
    let columns: [(String, Double?)] = [
      ("tempo", whole?.tempo), ("loudness", whole?.loudness), ("key", whole?.key.map { Double($0) }),
      ("mode", whole?.mode.map { Double($0) }), ("duration", whole?.duration),
      ("time_signature", whole?.timeSignature.map { Double($0) }), ("key_confidence", whole?.keyConfidence),
      ("mode_confidence", whole?.modeConfidence), ("time_signature_confidence", whole?.timeSignatureConfidence),
    ]
    return try SongFacts(
      path, columns: columns.map { ("track.\($0)", try present("track.\($0)", $1)) }, segments: segments.count,
      beats: present("beats", beats), sections: present("sections", sections))
  }
}

private func words(_ range: ClosedRange<Double>) -> String {
  "\(Int(range.lowerBound)) to \(Int(range.upperBound))"
}

extension AudioAnalysis.Segment {
  fileprivate subscript(feature: Feature) -> [Double]? {
    switch feature {
    case .pitches: pitches
    case .timbre: timbre
    case .loudness:
      [loudnessMax, loudnessMaxTime, loudnessStart].contains(nil)
        ? nil : [loudnessMax, loudnessMaxTime, loudnessStart].compactMap(\.self)
    case .duration: duration.map { [$0] }
    case .confidence: confidence.map { [$0] }
    case .spectrogram: nil
    }
  }

  /// What is wrong with the segment, from the field's name on; nil where nothing is.
  fileprivate var problem: String? {
    for feature in [Feature.pitches, .timbre] {
      guard let values = self[feature] else { continue }
      guard values.count == feature.width else {
        return "\(feature.rawValue): found \(values.count) numbers, expected \(feature.width)"
      }
      if let wrong = values.firstIndex(where: { !feature.range.contains($0) }) {
        return "\(feature.rawValue)[\(wrong)]: found \(values[wrong]), expected \(words(feature.range))"
      }
    }
    let (seconds, decibels) = (0...1e6, -1e6...1e6)
    let fields: [(String, Double?, ClosedRange<Double>)] = [
      ("start", start, seconds), ("duration", duration, seconds), ("confidence", confidence, 0...1),
      ("loudness_start", loudnessStart, decibels), ("loudness_max", loudnessMax, decibels),
      ("loudness_max_time", loudnessMaxTime, seconds),
    ]
    for (name, value, range) in fields {
      if let value, !range.contains(value) { return "\(name): found \(value), expected \(words(range))" }
    }
    return nil
  }
}

extension DecodingError {
  /// What is wrong, after the field it is wrong in: `segments[3].pitches: …`.
  fileprivate var inFields: String {
    switch self {
    case .keyNotFound(let key, let context): "\(Self.field(context.codingPath + [key])): not there"
    case .valueNotFound(_, let context): "\(Self.field(context.codingPath)): is null"
    case .typeMismatch(let type, let context):
      "\(Self.field(context.codingPath)): expected \(Self.words(type)), found something else"
    case .dataCorrupted(let context):
      context.codingPath.isEmpty
        ? "not JSON: \(Self.cause(context))" : "\(Self.field(context.codingPath)): \(Self.cause(context))"
    @unknown default: "cannot be read as an audio analysis"
    }
  }

  private static func cause(_ context: Context) -> String {
    guard let error = context.underlyingError as NSError? else { return context.debugDescription }
    return (error.userInfo["NSDebugDescription"] as? String) ?? context.debugDescription
  }

  private static func field(_ path: [any CodingKey]) -> String {
    let text = path.reduce("") { $0 + ($1.intValue.map { "[\($0)]" } ?? ($0.isEmpty ? "" : ".") + $1.stringValue) }
    return text.isEmpty ? "the document" : text
  }

  private static func words(_ type: Any.Type) -> String {
    switch "\(type)" {
    case "Double": "a number"
    case "Int": "a whole number"
    case let name where name.hasPrefix("Array"): "a list"
    default: "an object"
    }
  }
}
