/// What is known of a song's course: of every segment that its analysis tells of, or of every frame of a spectrogram.
public enum Feature: String, Sendable, Codable, CaseIterable {
  /// How strong each of the 12 pitch classes is, 0 to 1.
  case pitches
  /// 12 coefficients of the sound's shape; the first is loudness, the others lie around 0.
  case timbre
  /// The most, in decibels; when that is, in seconds from the segment's start; and how loud it is at its start.
  case loudness
  /// Seconds from its start to the next one's; of the last one, to the end of the song.
  case duration
  /// How sure the analysis is of its beginning, 0 to 1.
  case confidence
  /// The strength of each mel band in decibels: of spectrogram files alone.
  case spectrogram

  /// What track files tell of segments.
  public static let ofSegments = allCases.filter { $0 != .spectrogram }

  /// Values of a segment; 0 for those of a spectrogram's frames, which have as many bands as their file says.
  public var width: Int {
    switch self {
    case .pitches, .timbre: 12
    case .loudness: 3
    case .duration, .confidence: 1
    case .spectrogram: 0
    }
  }

  /// Values of a segment of pitches and of timbre, which a network can take for rows of a map.
  public static let rows = 12

  /// Whether the values are scaled by mean and deviation over the training songs before the network sees them.
  public var isStandardized: Bool { self != .pitches && self != .spectrogram }

  /// Values that can be; real timbre stays within a thousand.
  package var range: ClosedRange<Double> {
    switch self {
    case .pitches, .confidence: 0...1
    case .timbre, .loudness, .spectrogram: -1_000_000...1_000_000
    case .duration: 0...1_000_000
    }
  }

  /// One of a segment's values, in messages.
  package func valueName(_ index: Int) -> String {
    switch self {
    case .pitches: "pitch class \(index)"
    case .timbre: "coefficient \(index)"
    case .spectrogram: "band \(index)"
    case .loudness: ["maximum", "time of the maximum", "start"][index]
    case .duration, .confidence: "value"
    }
  }
}

/// What is known of a song as a whole: some numbers, whatever its length.
public enum SongFeature: String, Sendable, Codable, CaseIterable {
  /// What the analysis says of the whole song (`SongFacts`).
  case facts
  /// Moments of its segments, the facts among them (`SongMoments`).
  case moments
  /// Those of them that another key leaves as they are.
  case keyless

  /// Numbers of a song.
  public var width: Int {
    switch self {
    case .facts: SongFacts.names.count
    case .moments: SongMoments.count
    case .keyless: SongMoments.keylessCount
    }
  }
}
