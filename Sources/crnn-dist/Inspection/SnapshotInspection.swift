import Diagnosis
import Foundation
import Segments
import Snapshots

/// A snapshot.
struct SnapshotInspection: Inspection {
  let kind = "snapshot"
  let songs: Int
  let segments: SegmentChoice
  /// The fewest and the most of a song.
  let fewestSegments: Int
  let mostSegments: Int
  let features: FeatureSelection
  let tags: [String]
  /// Songs with each tag, in the order of the tags.
  let songsByTag: [Int]
  let artists: Int
  let funnel: Funnel
  let counts: SongCounts
  let encodings: [String: ValueEncoding]
  let identity: String
  let options: SnapshotRecord.Options
  let programVersion: String
  /// Songs on each side, where the snapshot keeps a split.
  let split: Sides?
  /// Of the training songs, where the snapshot keeps a split: `timbre_mean` and so on.
  let standardization: [String: [Float]]?

  struct Sides: Encodable {
    let training: Int
    let validation: Int
    let test: Int
  }
  let distribution: DistributionDisplay

  enum CodingKeys: String, CodingKey {
    case kind, songs, segments
    case fewestSegments = "fewest_segments"
    case mostSegments = "most_segments"
    case features, tags
    case songsByTag = "songs_by_tag"
    case artists, funnel, counts
    case encodings, identity, options
    case programVersion = "program_version"
    case split, standardization
    case distribution
  }

  init(_ snapshot: Snapshot, thresholds: Thresholds) throws {
    distribution = DistributionDisplay(snapshot.record.distribution, hasTags: true, thresholds: thresholds)
    songs = snapshot.songCount
    segments = snapshot.segments
    tags = snapshot.tags
    var songsByTag = [Int](repeating: 0, count: snapshot.tags.count)
    for (index, label) in snapshot.labels.enumerated() { songsByTag[index % snapshot.tags.count] += Int(label) }
    self.songsByTag = songsByTag
    artists = Set(snapshot.artistIDs).count
    funnel = snapshot.funnel
    counts = snapshot.record.counts
    features = snapshot.features
    fewestSegments = snapshot.segmentCounts.min() ?? 0
    mostSegments = snapshot.segmentCounts.max() ?? 0
    encodings = Dictionary(uniqueKeysWithValues: snapshot.encodings.map { ($0.key.rawValue, $0.value) })
    identity = snapshot.identity
    options = snapshot.record.options
    programVersion = snapshot.programVersion
    let scales = snapshot.standardization.flatMap { feature, scale in
      [("\(feature.rawValue)_mean", scale.mean), ("\(feature.rawValue)_deviation", scale.deviation)]
    }
    standardization = scales.isEmpty ? nil : Dictionary(uniqueKeysWithValues: scales)
    split = snapshot.preparedSplit.map {
      Sides(
        training: $0.split.train.count, validation: $0.split.validation.count, test: $0.split.test.count)
    }
  }

  private var tagsFrom: String {
    guard let lastfm = options.lastfm, let join = options.join else {
      return "\(options.tagSource.rawValue) of the tracks"
    }
    return "\(lastfm), joined by \(join.rawValue)"
  }

  private var segmentsInWords: String {
    switch segments {
    case .all: "all of each song, \(fewestSegments) to \(mostSegments)"
    case .count(let count): "\(count) of each song, \(options.crop == .first ? "the first" : "from the middle")"
    }
  }

  /// Some rows, or none.
  private var splitInWords: [(name: String, value: String)] {
    guard let split, let rule = options.split, let seed = options.seed else { return [] }
    let sides = "\(split.training) for training, \(split.validation) for validation, \(split.test) for test"
    return [("split", "\(rule), seed \(seed): \(sides)")] + scaleInWords
  }

  /// Two rows a feature, or none.
  private var scaleInWords: [(name: String, value: String)] {
    features.features.flatMap { feature in
      ["mean", "deviation"].compactMap { statistic in
        (standardization?["\(feature.rawValue)_\(statistic)"]).map { values in
          ("\(feature.rawValue) \(statistic)", values.map { String(format: "%.2f", $0) }.joined(separator: " "))
        }
      }
    }
  }

  var text: String {
    let facts = table(
      [
        ("a snapshot", "made by crnn-dist \(programVersion)"), ("songs", "\(songs) of \(artists) artists"),
        ("segments", segmentsInWords),
        (
          "features",
          (encodings.sorted { $0.key < $1.key }.map { "\($0.key) in \($0.value.rawValue)" }
            + features.ofSong.map { "\($0.rawValue) of each song" }).joined(separator: ", ")
        ),
        ("tracks from", options.msd), ("tags from", "\(tagsFrom), from weight \(options.minTagWeight) on"),
        ("vocabulary", "\(options.tags), \(tags.count) tags"),
      ] + splitInWords + [("identity", identity)])
    let tagLines = zip(tags, songsByTag).sorted { $0.1 > $1.1 }
      .map { "  \($0.0.withVisibleControls): \($0.1)" }.joined(separator: "\n")
    return "\(facts)\n\n\(funnel.table())\n\n\(distribution.text)\n\nsongs with each tag\n\(tagLines)"
  }
}
