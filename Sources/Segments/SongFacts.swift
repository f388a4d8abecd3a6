/// What the analysis says of a whole song, and nothing that tells whose song it is.
public struct SongFacts: Sendable, Equatable {
  /// The numbers' names, in order. Rates are for a second of the song, which counts as one second at least.
  public static let names = [
    "tempo", "loudness", "key", "mode", "duration", "time_signature", "key_confidence", "mode_confidence",
    "time_signature_confidence", "segments_per_second", "beats_per_second", "sections",
  ]

  /// In the order of `names`.
  public let values: [Double]

  /// - Parameters:
  ///   - columns: values of the first nine names, which a track file's table has as they are.
  ///   - segments: how many the song has; likewise beats and sections.
  package init(columns: [Double], segments: Int, beats: Int, sections: Int) {
    precondition(columns.count == SongFacts.columns.count)
    let seconds = max(columns[4], 1)
    values = columns + [Double(segments) / seconds, Double(beats) / seconds, Double(sections)]
  }

  /// The names that are columns of a track file's table.
  package static let columns = Array(names.prefix(9))

  /// All but the key: a number from 0 to 11 whose size says nothing.
  var ofMoments: [Double] {
    [0, 1, 4, 3, 5, 6, 7, 8, 9, 10, 11].map { values[$0] }
  }
}
