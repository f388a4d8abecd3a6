import Diagnosis
import Segments

extension RunConfiguration.Model {
  /// What it takes of songs where nothing is said, and of a tree.
  var features: FeatureSelection {
    self == .recommended ? FeatureSelection(Set(Feature.ofSegments), ofSong: [.keyless]) : .pitches
  }

  /// What it takes of a source where nothing is said: as much as there is.
  /// - Throws: `badData` where there is nothing that it takes.
  func features(of source: any SongSource) throws -> FeatureSelection {
    let there = source.features
    guard there.isOfSegments else { return there }
    let part = FeatureSelection(
      Set(self == .recommended ? there.features : there.rows.features),
      ofSong: Set(features.ofSong.filter(there.ofSong.contains)))
    guard part.width + part.songWidth > 0 else {
      throw Failure(
        .badData, "\(source.name): has \(there.rawValue), the model \(rawValue) takes \(wanted)",
        remedy: "prepare it with --features \(self == .recommended ? features.rawValue : "both")")
    }
    return part
  }

  private var wanted: String { self == .recommended ? "any features" : "pitches, timbre or both" }

  /// - Throws: `usage` for features that it does not take.
  func check(_ features: FeatureSelection) throws {
    let takes =
      switch self {
      case .recommended: features.isOfSegments
      default: !features.isOfSegments || (features.hasRows && features.ofSong.isEmpty)
      }
    guard !takes else { return }
    throw Failure(
      .usage, "the model \(rawValue) does not take the features \(features.rawValue)", remedy: "it takes \(wanted)"
    )
  }
}
