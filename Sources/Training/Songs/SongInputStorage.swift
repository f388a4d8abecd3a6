import Checkpointing
import Diagnosis
import Segments

/// What a checkpoint says of the network's input beside the configuration: how values are scaled.
extension SongInput {
  fileprivate static func mean(_ name: String) -> String { "standardization/\(name)_mean" }
  fileprivate static func deviation(_ name: String) -> String { "standardization/\(name)_deviation" }
  private static let song = "song"

  /// Adds what the configuration does not say.
  func store(in checkpoint: inout Checkpoint) {
    for (feature, scale) in standardization { checkpoint.store(scale, of: feature.rawValue) }
    if let songStandardization { checkpoint.store(songStandardization, of: Self.song) }
  }

  /// What a checkpoint's network sees. A network from another program sees the pitches of the first segments.
  /// - Throws: `badData` where the checkpoint does not say how its values are scaled.
  init(_ configuration: RunConfiguration, segments: Int, rows: Int, of checkpoint: Checkpoint) throws {
    self.init(
      features: configuration.features ?? .pitches, segments: configuration.segments ?? .count(segments),
      crop: configuration.crop, longest: configuration.longest, rows: rows)
    for feature in features.features where feature.isStandardized {
      standardization[feature] = try Self.scale(feature.rawValue, width: feature.width, of: checkpoint)
    }
    if songWidth > 0 { songStandardization = try Self.scale(Self.song, width: songWidth, of: checkpoint) }
  }

  private static func scale(_ name: String, width: Int, of checkpoint: Checkpoint) throws -> Standardization {
    let scale = Standardization(
      mean: try checkpoint.values(mean(name), shape: [width]),
      deviation: try checkpoint.values(deviation(name), shape: [width]))
    guard scale.isSound(width: width) else {
      throw Failure(.badData, "\(checkpoint.source): its \(name) cannot be scaled by what it says")
    }
    return scale
  }
}

extension Checkpoint {
  /// Adds what the values of a feature are scaled by.
  package mutating func store(_ scale: Standardization, of name: String) {
    let shape = [scale.mean.count]
    arrays[SongInput.mean(name)] = FloatArray(shape: shape, values: scale.mean)
    arrays[SongInput.deviation(name)] = FloatArray(shape: shape, values: scale.deviation)
  }
}
