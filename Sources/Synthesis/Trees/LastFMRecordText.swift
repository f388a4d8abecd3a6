import Diagnosis
import Foundation
import RandomNumbers

/// A Last.fm record in the data set's exact bytes: one line of ASCII, as Python 2's json module wrote it.
package struct LastFMRecordText {
  let artist: String
  let timestamp: String
  /// Track ids with a score above 0 up to 1, falling.
  let similars: [(trackID: String, score: Double)]
  /// Tags with a weight from 100 to 0, falling.
  let tags: [(name: String, weight: Int)]
  let trackID: String
  let title: String

  package init(
    artist: String, timestamp: String, similars: [(trackID: String, score: Double)],
    tags: [(name: String, weight: Int)], trackID: String, title: String
  ) {
    self.artist = artist
    self.timestamp = timestamp
    self.similars = similars
    self.tags = tags
    self.trackID = trackID
    self.title = title
  }

  /// The record's bytes, without a line break at the end.
  package var text: String {
    let similars = similars.map { "[\(Self.quoted($0.trackID)), \(Self.number($0.score))]" }
    let tags = tags.map { "[\(Self.quoted($0.name)), \"\($0.weight)\"]" }
    let fields = [
      ("artist", Self.quoted(artist)), ("timestamp", Self.quoted(timestamp)),
      ("similars", "[\(similars.joined(separator: ", "))]"), ("tags", "[\(tags.joined(separator: ", "))]"),
      ("track_id", Self.quoted(trackID)), ("title", Self.quoted(title)),
    ]
    return "{" + fields.map { "\"\($0)\": \($1)" }.joined(separator: ", ") + "}"
  }

  /// A JSON string of ASCII alone: other letters as \uXXXX, those beyond 16 bits as two.
  package static func quoted(_ text: String) -> String {
    var quoted = "\""
    for unit in text.utf16 {
      switch unit {
      case 0x22: quoted += "\\\""
      case 0x5C: quoted += "\\\\"
      case 0x0A: quoted += "\\n"
      case 0x0D: quoted += "\\r"
      case 0x09: quoted += "\\t"
      case 0x08: quoted += "\\b"
      case 0x0C: quoted += "\\f"
      case 0x20..<0x7F: quoted.unicodeScalars.append(UnicodeScalar(UInt8(unit)))
      default:
        quoted += "\\u" + String(unit, radix: 16).leftPadded(to: 4, with: "0")
      }
    }
    return quoted + "\""
  }

  /// A score as Python 2.6 prints it: 17 significant digits, and 1 as a whole number.
  package static func number(_ score: Double) -> String {
    score == 1 ? "1" : String(format: "%.17g", score)
  }
}

extension LastFMRecordText {
  /// The song's record; nil where it has none. `labels` are the tags drawn for this song, or another's in a
  /// permuted set.
  init?(_ plan: SongPlan, labels: [UInt8], _ parameters: SynthesisParameters, _ process: TagProcess) {
    guard case .present(let isMismatched, let fate) = plan.record else { return nil }
    var stream = RandomStream(
      seed: parameters.seed, purpose: .synthesis, first: UInt32(plan.number), second: Use.record.rawValue)
    let respellsTitle = stream.chance(0.5)
    title = isMismatched && respellsTitle ? Names.respelled(title: plan.title, &stream) : plan.title
    artist = isMismatched && !respellsTitle ? Names.respelled(artist: plan.artist.name, &stream) : plan.artist.name
    trackID = plan.trackID
    timestamp = Self.timestamp(&stream)
    similars = Self.similars(parameters, process, &stream)

    var names: [String] = []
    if fate != .empty {
      let others = stream.permutation(OtherTags.names.count).prefix(1 + stream.index(below: 12))
      names = others.map { OtherTags.names[$0] }
    }
    if fate == .drawn { names += process.tags.indices.filter { labels[$0] == 1 }.map { process.tags[$0].name } }
    tags = Self.weighted(names, &stream)
  }

  /// In random order, the first with weight 100, the others falling.
  private static func weighted(_ names: [String], _ stream: inout RandomStream) -> [(name: String, weight: Int)] {
    let weights = (0..<names.count).map { $0 == 0 ? 100 : stream.index(below: 101) }.sorted(by: >)
    return zip(stream.permutation(names.count).map { names[$0] }, weights).map { ($0, $1) }
  }

  private static func similars(
    _ parameters: SynthesisParameters, _ process: TagProcess, _ stream: inout RandomStream
  ) -> [(trackID: String, score: Double)] {
    let count = stream.chance(0.3) ? 0 : stream.index(below: 12)
    let scores = (0..<count).map { $0 == 0 ? 1 : (stream.uniform() * 1e6).rounded(.up) / 1e6 }.sorted(by: >)
    return scores.map { score in
      let number = stream.index(below: parameters.songs)
      return (SongPlan.trackID(parameters, number: number, process: process), score)
    }
  }

  private static func timestamp(_ stream: inout RandomStream) -> String {
    let day = 1 + stream.index(below: 14)
    let hour = stream.index(below: 24)
    let minute = stream.index(below: 60)
    let second = Double(stream.index(below: 60_000_000)) / 1e6
    return String(format: "2011-08-%02d %02d:%02d:%09.6f", day, hour, minute, second)
  }
}
