import Foundation
import RandomNumbers

/// What the analysis of one song holds besides the pitches: times, loudness, timbre, rhythm. None of it depends
/// on the traits or tags; it only has the real files' shapes and ranges.
struct TrackAnalysis {
  let duration: Double
  let tempo: Double
  let segmentStarts: [Double]
  let segmentConfidences: [Double]
  let loudnessMaxima: [Double]
  let loudnessMaximumTimes: [Double]
  let loudnessStarts: [Double]
  /// [segments][12], row by row.
  let timbre: [Double]
  let sections: Events
  let beats: Events
  let bars: Events
  let tatums: Events

  /// Times in seconds with a confidence each.
  struct Events {
    let starts: [Double]
    let confidences: [Double]
  }

  init(segments: Int, _ stream: inout RandomStream) {
    let durations = (0..<segments).map { _ in
      0.08 + 0.4 * stream.uniform() * stream.uniform() + 0.08 * stream.uniform()
    }
    var time = 0.0
    segmentStarts = durations.map { duration in
      defer { time += duration }
      return rounded(time, 5)
    }
    duration = rounded(time, 5)
    segmentConfidences = (0..<segments).map { _ in rounded(stream.uniform(), 3) }
    loudnessMaxima = (0..<segments).map { _ in rounded(-6 - 30 * stream.uniform() * stream.uniform(), 3) }
    loudnessMaximumTimes = durations.map { rounded($0 * 0.5 * stream.uniform(), 5) }
    loudnessStarts = loudnessMaxima.map { rounded(max(-60, $0 - 20 * stream.uniform()), 3) }
    timbre = Self.timbre(segments: segments, &stream)
    tempo = rounded(60 + 120 * stream.uniform(), 3)
    let beat = 60 / tempo
    tatums = Self.events(every: beat / 2, until: time, &stream)
    beats = Self.events(every: beat, until: time, &stream)
    bars = Self.events(every: 4 * beat, until: time, &stream)
    sections = Self.events(every: 26, until: time, &stream)
  }

  /// Means and deviations near those of real songs, the first coefficient being loudness.
  private static func timbre(segments: Int, _ stream: inout RandomStream) -> [Double] {
    let means = [40.0, 0, 10, 5, 0, -5, 0, 0, 0, 0, 0, 0]
    let deviations = [7.0, 50, 45, 35, 30, 28, 24, 20, 18, 17, 17, 16]
    return (0..<(segments * 12)).map { index in
      rounded(means[index % 12] + deviations[index % 12] * stream.normal(), 3)
    }
  }

  private static func events(every step: Double, until end: Double, _ stream: inout RandomStream) -> Events {
    let starts = Array(stride(from: step * stream.uniform(), to: end, by: step)).map { rounded($0, 5) }
    return Events(starts: starts, confidences: starts.map { _ in rounded(stream.uniform(), 3) })
  }
}

/// To so many decimals, as the nearest double to that decimal number.
func rounded(_ value: Double, _ decimals: Int) -> Double {
  let scale = decimals == 3 ? 1_000.0 : 100_000.0
  return (value * scale).rounded() / scale
}
