import Networks
import Segments

extension PortableModel {
  /// What an input's values are, in files' own words.
  func words(_ input: Input) -> String {
    switch input.isOfSong ? nil : Feature(rawValue: input.name) {
    case .spectrogram: "mel bands in decibels, frame by frame, the lowest band first"
    case .loudness:
      "segments_loudness_max, segments_loudness_max_time, segments_loudness_start as track files have them"
    case .duration: "seconds from each start in segments_start to the next, of the last one to the song's end"
    case .pitches, .timbre, .confidence: "segments_\(input.name) as track files have it"
    case nil: "what is known of the whole song, as a snapshot of crnn-dist has it"
    }
  }

  /// The axes of an input.
  func axes(_ input: Input) -> [ModelCard.Axis] {
    let width = ModelCard.Axis.fixed(width(of: input))
    return input.isOfSong
      ? [.free("batch"), width] : [.free("batch"), fixedSegments.map { .fixed($0) } ?? .free("segments"), width]
  }
}
