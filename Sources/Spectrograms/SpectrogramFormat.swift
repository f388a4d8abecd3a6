/// What a file of spectrograms holds; docs/formats.md describes it.
enum SpectrogramFormat {
  /// `[song][band][frame]`, decibels, in single or half precision.
  static let features = "features"
  /// `[song][tag]`, 0 or 1.
  static let labels = "labels"
  /// An id for each song.
  static let ids = "ids"
  /// A name for each column of the labels.
  static let tags = "tags"
  /// An id for each song's artist; may be missing.
  static let artists = "artists"

  static let bands = 1...1_024
  static let longestText = 4_096
}
