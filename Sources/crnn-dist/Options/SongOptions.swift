import ArgumentParser
import Diagnosis
import Preparation
import Segments
import Splits
import Tags

/// What `prepare` and `inspect` take of songs and their tags, but for the songs themselves and how many segments.
struct SongOptions: ParsableArguments {
  @Option(help: "Last.fm's tags: a tree of TR….json files of any depth, or the database lastfm_tags.db.")
  var lastfm: String?

  @Option(
    help: """
      Where tags are: lastfm, or in the track files, artist-terms (weights 0 to 1) or artist-mbtags (weights are \
      counts); these need no --lastfm.
      """)
  var tagSource = TagSource.lastFM

  @Option(
    help: """
      When a song and its Last.fm record are the same: paper (track id, title and artist exactly), normalised \
      (the same but for encoding, case and white space) or track-id. Default: paper; track-id for the database, \
      which has no titles.
      """)
  var join: JoinRule?

  @Option(help: "Which segments: the first, or those in the middle.")
  var crop = Crop.first

  @Option(help: "Whole songs are cut after so many segments (default: \(SegmentLimits.taken.upperBound)).")
  var longest: Int?

  @Option(help: "What is taken of each song: \(FeatureSelection.forms).")
  var features = FeatureSelection.pitches

  @Option(
    help: """
      The vocabulary: paper (its 50 tags), a text file with one tag a line, or top:K, the K tags that most songs of \
      the training side have.
      """)
  var tags = "paper"

  @Option(
    help: """
      How songs are divided, as train --split says it. A snapshot keeps the split and the scale of its training \
      songs' features, and train takes them. With --tags top:K no validation or test song is counted, and the default \
      is random:0.95.
      """)
  var split: String?

  @Option(help: "Decides how that split falls.")
  var seed: UInt64 = 1

  @Option(help: "Let a tag count from this weight on (Last.fm: 0 to 100).")
  var minTagWeight = 0.0

  @Flag(help: "Stop at the first bad file instead of listing it and going on.")
  var strict = false

  @Flag(
    help: """
      Keep songs without a tag of the vocabulary too, joined or not: train --auxiliary learns from them. They are never \
      judged.
      """)
  var keepUntagged = false

  @Option(
    help: """
      What else track files say of a song's artist that the snapshot is to keep, for train --auxiliary to learn beside \
      the tags: \(AuxiliarySources.forms).
      """)
  var auxiliary: AuxiliarySources?

  /// All that is to be known of songs at a path.
  func preparation(of songs: String, segments: SegmentChoice) throws -> PreparationOptions {
    var options = PreparationOptions(
      trackFiles: songs, lastFMTags: lastfm, tagSource: tagSource, segments: segments, crop: crop,
      longest: longest ?? SegmentLimits.taken.upperBound, features: features, tags: try VocabularyRule(tags),
      minimumTagWeight: minTagWeight, join: join, isStrict: strict, split: try split.map { try SplitRule($0) },
      seed: seed)
    (options.keepsUntagged, options.auxiliary) = (keepUntagged, auxiliary)
    return options
  }
}

extension TagSource: ExpressibleByArgument {}
extension JoinRule: ExpressibleByArgument {}
extension Crop: ExpressibleByArgument {
  /// What a snapshot can keep. Random parts are refused with a word on how to have them.
  public static var allValueStrings: [String] { [Crop.first, .middle].map(\.rawValue) }
}
extension AuxiliarySources: ExpressibleByArgument {}
/// Of segments: these options are those of track files.
extension FeatureSelection: ExpressibleByArgument {
  public init?(argument: String) {
    self.init(rawValue: argument)
    guard isOfSegments else { return nil }
  }
}
