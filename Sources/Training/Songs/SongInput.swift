import Checkpointing
import Diagnosis
import Sampling
import Segments

/// What the network sees of a song: which features of which segments, and how they are scaled. A run decides it, its
/// checkpoints keep it, and whoever uses them does the same.
public struct SongInput: Sendable, Equatable {
  public var features: FeatureSelection
  public var segments: SegmentChoice
  public var crop: Crop
  /// Whole songs are cut after so many segments; nil: never.
  public var longest: Int?
  /// Values of a feature at each segment.
  public var rows: Int
  /// Of the training songs' timbre; nil where there is none, or not yet.
  public var standardization: Standardization?

  public init(
    features: FeatureSelection, segments: SegmentChoice, crop: Crop = .first, longest: Int? = nil,
    rows: Int = Feature.width, standardization: Standardization? = nil
  ) {
    self.features = features
    self.segments = segments
    self.crop = crop
    self.longest = longest
    self.rows = rows
    self.standardization = standardization
  }

  /// Values of a segment.
  var width: Int { features.features.count * rows }

  /// How many segments the network sees of a song that has so many.
  func length(of count: Int) -> Int { segments.count ?? min(count, longest ?? count) }

  /// Which segments those are where chance has no part: in evaluation a random crop is the middle.
  package func steadyWindow(of count: Int) -> Range<Int> {
    let length = length(of: count)
    return crop == .first ? 0..<length : SegmentWindow.middle(of: count, length)
  }

  /// Which segments an epoch sees.
  package func window(of count: Int, song: Int, epoch: Int, seed: UInt64) -> Range<Int> {
    guard crop == .random else { return steadyWindow(of: count) }
    let length = length(of: count)
    let start = cropStart(seed: seed, epoch: epoch, song: song, places: count - length + 1)
    return start..<start + length
  }

  /// The segments that any epoch or evaluation sees.
  func everything(of count: Int) -> Range<Int> { crop == .random ? 0..<count : steadyWindow(of: count) }

  /// The segments that are read of a track file.
  var trackWindow: SegmentWindow {
    guard let count = segments.count else { return .first(longest ?? SegmentLimits.taken.upperBound) }
    return crop == .first ? .first(count) : .middle(count)
  }

  /// Writes a feature's values as the network takes them, `[segment][feature][row]`.
  ///
  /// - Parameters:
  ///   - segments: of `values`.
  ///   - offset: where the song's first value belongs in `target`.
  func write(
    _ feature: Feature, _ values: SegmentValues, segments: Range<Int>, to target: inout [Float], at offset: Int
  ) {
    let channel = features.features.firstIndex(of: feature)!
    let scale = feature == .timbre ? standardization : nil
    let (rows, width) = (self.rows, self.width)
    func write(_ value: (Int) -> Float) {
      var source = segments.lowerBound * rows
      for row in 0..<segments.count {
        let place = offset + row * width + channel * rows
        for index in 0..<rows { target[place + index] = value(source + index) }
        if let scale {
          for index in 0..<rows {
            target[place + index] = (target[place + index] - scale.mean[index]) / scale.deviation[index]
          }
        }
        source += rows
      }
    }
    switch values {
    case .thousandths(let values): write { SegmentValues.float(ofThousandths: Int32(values[$0])) }
    case .wideThousandths(let values): write { SegmentValues.float(ofThousandths: values[$0]) }
    case .floats(let values): write { values[$0] }
    case .halves(let values):
      let floats = SegmentValues.floatsOfHalves
      write { floats[Int(values[$0])] }
    }
  }
}

// MARK: - In checkpoints

extension SongInput {
  fileprivate static let mean = "standardization/timbre_mean"
  fileprivate static let deviation = "standardization/timbre_deviation"

  /// Adds what the configuration does not say.
  func store(in checkpoint: inout Checkpoint) {
    if let standardization { checkpoint.store(standardization) }
  }

  /// What a checkpoint's network sees. A network from another program sees the pitches of the first segments.
  /// - Throws: `badData` where the checkpoint does not say how its timbre is scaled.
  init(_ configuration: RunConfiguration, segments: Int, rows: Int, of checkpoint: Checkpoint) throws {
    self.init(
      features: configuration.features ?? .pitches, segments: configuration.segments ?? .count(segments),
      crop: configuration.crop, longest: configuration.longest, rows: rows)
    guard features == .spectrogram || rows == Feature.width else {
      throw Failure(
        .badData,
        "\(checkpoint.source): a network of \(rows) rows for \(features.rawValue), which have \(Feature.width)")
    }
    guard features.features.contains(.timbre) else { return }
    let shape = [Feature.width]
    let standardization = Standardization(
      mean: try checkpoint.values(Self.mean, shape: shape),
      deviation: try checkpoint.values(Self.deviation, shape: shape))
    guard standardization.isSound else {
      throw Failure(.badData, "\(checkpoint.source): its timbre cannot be scaled by what it says")
    }
    self.standardization = standardization
  }
}

extension Checkpoint {
  /// Adds what timbre is scaled by.
  package mutating func store(_ standardization: Standardization) {
    let shape = [Feature.width]
    arrays[SongInput.mean] = FloatArray(shape: shape, values: standardization.mean)
    arrays[SongInput.deviation] = FloatArray(shape: shape, values: standardization.deviation)
  }
}
