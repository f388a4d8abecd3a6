import Foundation
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
  /// Bands of a spectrogram; else the rows of a map of segments.
  public var rows: Int
  /// Of the training songs, of each feature that is scaled; empty where there is none, or not yet.
  public var standardization: [Feature: Standardization]
  /// Of what is known of whole songs, of all of it together; nil likewise.
  public var songStandardization: Standardization?

  public init(
    features: FeatureSelection, segments: SegmentChoice, crop: Crop = .first, longest: Int? = nil,
    rows: Int = Feature.rows, standardization: [Feature: Standardization] = [:]
  ) {
    self.features = features
    self.segments = segments
    self.crop = crop
    self.longest = longest
    self.rows = rows
    self.standardization = standardization
  }

  /// Values of a segment.
  var width: Int { features.features.reduce(0) { $0 + width(of: $1) } }

  /// Values that a feature has of a segment, or of a spectrogram's frame.
  func width(of feature: Feature) -> Int { feature == .spectrogram ? rows : feature.width }

  /// How many segments the network sees of a song that has so many.
  func length(of count: Int) -> Int { segments.count ?? min(count, longest ?? SegmentLimits.taken.upperBound) }

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

  /// Writes a feature's values as the network takes them, `[segment][value]`, the features one after the other.
  ///
  /// - Parameters:
  ///   - segments: of `values`.
  ///   - offset: where the song's first value belongs in `target`.
  func write(
    _ feature: Feature, _ values: SegmentValues, segments: Range<Int>, to target: inout [Float], at offset: Int
  ) {
    let own = width(of: feature)
    let before = features.features.prefix { $0 != feature }.reduce(0) { $0 + self.width(of: $1) }
    let scale = standardization[feature]
    func write(_ value: (Int) -> Float) {
      var source = segments.lowerBound * own
      for row in 0..<segments.count {
        let place = offset + row * width + before
        for index in 0..<own { target[place + index] = value(source + index) }
        if let scale {
          for index in 0..<own {
            target[place + index] = (target[place + index] - scale.mean[index]) / scale.deviation[index]
          }
        }
        source += own
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

/// What the network's values are scaled by.
public struct InputScales: Sendable, Equatable, Codable {
  public var ofSegments: [Feature: Standardization]
  public var ofSong: Standardization?
}

extension SongInput {
  public var scales: InputScales { InputScales(ofSegments: standardization, ofSong: songStandardization) }
}

// MARK: - Of whole songs

extension SongInput {
  /// Numbers of a song beside its segments.
  var songWidth: Int { features.songWidth }

  /// What is known of a whole song as the network takes it: the inverse hyperbolic sine of the standardised values, which
  /// is the value itself near the mean and grows with its logarithm far from it, so that a song like no other does not shout.
  /// - Parameter values: of its features, one after the other.
  func scaled(songValues values: [Float]) -> [Float] {
    guard let scale = songStandardization else { return values }
    return values.indices.map {
      Float(asinh(Double((values[$0] - scale.mean[$0]) / scale.deviation[$0])))
    }
  }
}
