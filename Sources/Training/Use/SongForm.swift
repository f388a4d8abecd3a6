import Diagnosis
import Segments

extension SongInput {
  /// Refuses songs of which there is not what the network sees.
  /// - Parameter checkpoint: whose network it is, for messages.
  /// - Throws: `badData`.
  func refuseOtherForm(_ data: any SongSource, checkpoint: String) throws {
    let isThere =
      switch (segments, data.segments) {
      case (_, .all): true
      case (.all, .count): false
      case (.count(let wanted), .count(let count)): wanted <= count
      }
    guard isThere else {
      throw Failure(
        .badData, "\(data.name): made for \(data.segments) segments, but \(checkpoint) is a model of \(segments)",
        remedy: "prepare it with --segments \(segments)")
    }
    guard data.features.contains(features) else {
      throw Failure(
        .badData,
        "\(data.name): has \(data.features.rawValue), but \(checkpoint) is a model of \(features.rawValue)",
        remedy: "prepare it with --features \(features.rawValue)")
    }
  }
}
