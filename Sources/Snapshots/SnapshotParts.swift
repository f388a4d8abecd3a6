import Diagnosis
import FileAccess
import Foundation
import HDF5
import Segments
import Splits
import Tags
import Texts

/// Takes a snapshot file apart, checking every part against the others before memory is taken for it.
struct SnapshotParts {
  let file: File
  let songs: Int
  let segments: SegmentChoice
  let features: FeatureSelection
  let stored: [Feature: StoredSegments]
  let segmentCounts: [Int]
  /// What the file's parts can hold at most: deflate shrinks to a thousandth at best.
  private let mostBytes: Int

  private static let bestDeflate = 1_100
  private static let longestText = 4_096
  /// More than any tree has, and few enough to be added up.
  private static let mostSongs = 1 << 40

  init(_ file: File) throws {
    self.file = file
    try SnapshotParts.checkFormat(file)
    let size = (try? FileManager.default.attributesOfItem(atPath: file.filePath)[.size] as? Int) ?? 0
    mostBytes = size.multipliedReportingOverflow(by: SnapshotParts.bestDeflate).partialValue
    let songs = Int(try file.attribute(SnapshotFormat.Attribute.songs, as: Int64.self))
    let segments = Int(try file.attribute(SnapshotFormat.Attribute.segments, as: Int64.self))
    guard songs > 0, songs <= size, segments == 0 || SegmentLimits.taken.contains(segments) else {
      throw SnapshotParts.damaged(file, "it says to hold \(songs) songs of \(segments) segments")
    }
    let name = try file.textAttribute(SnapshotFormat.Attribute.features)
    guard let features = FeatureSelection(rawValue: name), features.isOfSegments else {
      throw SnapshotParts.damaged(
        file, "it says to hold \"\(name.prefix(40))\" of the segments, which is not known")
    }
    let places =
      segments > 0 ? SongPlaces.equal(segments) : .ragged(try SnapshotParts.starts(in: file, songs: songs))
    self.songs = songs
    self.segments = segments > 0 ? .count(segments) : .all
    self.features = features
    segmentCounts = (0..<songs).map(places.segments)
    stored = try Dictionary(
      uniqueKeysWithValues: features.features.map { ($0, try SnapshotParts.stored($0, in: file, songs, places)) })
  }

  /// Where each song starts, and where the last one ends.
  private static func starts(in file: File, songs: Int) throws -> [Int] {
    let dataset = try file.dataset(SnapshotFormat.Path.starts)
    guard dataset.shape == [songs + 1] else {
      throw damaged(file, "/songs/start has the shape \(dataset.shape), expected \([songs + 1])")
    }
    let starts = try dataset.read(Int64.self, limit: songs + 1).map(Int.init)
    let lengths = SegmentLimits.taken
    guard starts[0] == 0,
      (0..<songs).allSatisfy({ starts[$0 + 1] > starts[$0] && lengths.contains(starts[$0 + 1] - starts[$0]) })
    else {
      throw damaged(file, "/songs/start does not rise by 1 to \(lengths.upperBound) segments a song")
    }
    return starts
  }

  private static func stored(
    _ feature: Feature, in file: File, _ songs: Int, _ places: SongPlaces
  ) throws -> StoredSegments {
    let name = try file.textAttribute(SnapshotFormat.Attribute.encoding(feature))
    guard let encoding = ValueEncoding(rawValue: name) else {
      throw damaged(file, "its \(feature.rawValue) are kept as \"\(name.prefix(40))\", which is not known")
    }
    let dataset = try file.dataset(SnapshotFormat.Path.values(feature))
    let shape =
      switch places {
      case .equal(let segments): [songs, segments, feature.width]
      case .ragged(let starts): [starts[songs], feature.width]
      }
    guard dataset.shape == shape else {
      throw damaged(
        file, "/\(SnapshotFormat.Path.values(feature)) has the shape \(dataset.shape), expected \(shape)")
    }
    guard encoding == .float32 || ValueEncoding.first(for: feature) == encoding else {
      throw damaged(
        file, "its \(feature.rawValue) are kept as \(name), expected \(ValueEncoding.float32.rawValue)")
    }
    guard dataset.element.isSame(as: encoding.elementType(of: feature)) else {
      throw damaged(
        file,
        "/\(SnapshotFormat.Path.values(feature)) holds \(dataset.element) elements, but the attribute "
          + "\(SnapshotFormat.Attribute.encoding(feature)) is \(name)")
    }
    return StoredSegments(feature: feature, encoding: encoding, dataset: dataset, places: places)
  }

  private static func checkFormat(_ file: File) throws {
    guard Snapshot.isSnapshot(file) else {
      throw Failure(
        .badData, "\(file.filePath): an HDF5 file, but no snapshot", remedy: "make one with crnn-dist prepare")
    }
    let version = try file.attribute(SnapshotFormat.Attribute.version, as: Int32.self)
    guard version == SnapshotFormat.version else {
      throw Failure(
        .badData,
        "\(file.filePath): a snapshot of format version \(version), this program reads \(SnapshotFormat.version)",
        remedy: "make it again with crnn-dist prepare")
    }
  }

  static func damaged(_ file: File, _ cause: String) -> Failure {
    Failure(.badData, "\(file.filePath): a damaged snapshot: \(cause)")
  }

  /// How many segments each song has in all, kept or not.
  func wholeSegmentCounts() throws -> [Int32] {
    let dataset = try file.dataset(SnapshotFormat.Path.segmentCounts)
    guard dataset.shape == [songs], try fits(songs, MemoryLayout<Int32>.size) else {
      throw SnapshotParts.damaged(
        file, "/\(SnapshotFormat.Path.segmentCounts) has the shape \(dataset.shape), expected \([songs])")
    }
    return try dataset.read(Int32.self, limit: songs)
  }

  /// One text a song.
  func texts(_ path: String) throws -> PackedTexts {
    let dataset = try textDataset(path, count: songs)
    var texts = PackedTexts()
    let rows = SnapshotFormat.rowsOfChunk
    for start in stride(from: 0, to: songs, by: rows) {
      texts.append(contentsOf: try dataset.readStrings(rows: start..<min(start + rows, songs)))
    }
    return texts
  }

  func tags() throws -> [String] {
    let count = try file.dataset(SnapshotFormat.Path.tagNames).count
    guard (1...Vocabulary.largestSize).contains(count) else {
      throw SnapshotParts.damaged(file, "it has \(count) tags, expected 1 to \(Vocabulary.largestSize)")
    }
    let names = try textDataset(SnapshotFormat.Path.tagNames, count: count).readStrings(limit: count)
    return try Vocabulary(names, source: file.filePath).names
  }

  func textDataset(_ path: String, count: Int) throws -> Dataset {
    let dataset = try file.dataset(path)
    guard dataset.shape == [count], dataset.element.elementClass == .fixedString,
      dataset.element.bytes <= SnapshotParts.longestText, try fits(count, dataset.element.bytes)
    else {
      throw SnapshotParts.damaged(
        file, "/\(path) holds \(dataset.shape) × \(dataset.element), expected \(count) texts")
    }
    return dataset
  }

  func labels(tags: Int) throws -> [UInt8] {
    let dataset = try file.dataset(SnapshotFormat.Path.labels)
    guard dataset.shape == [songs, tags], try fits(songs, tags) else {
      throw SnapshotParts.damaged(file, "/songs/labels has the shape \(dataset.shape), expected \([songs, tags])")
    }
    let labels = try dataset.read(UInt8.self, limit: songs * tags)
    guard labels.allSatisfy({ $0 <= 1 }) else {
      throw SnapshotParts.damaged(file, "/songs/labels has values other than 0 and 1")
    }
    return labels
  }

  /// The split that the snapshot keeps, if it keeps one.
  func preparedSplit(_ options: SnapshotRecord.Options) throws -> PreparedSplit? {
    let keepsSides = file.contains(SnapshotFormat.Path.sides)
    guard let text = options.split, let seed = options.seed else {
      guard !keepsSides else {
        throw SnapshotParts.damaged(
          file, "/\(SnapshotFormat.Path.sides) is there, but its attribute options has no split and seed")
      }
      return nil
    }
    guard keepsSides else {
      throw SnapshotParts.damaged(
        file,
        "its attribute options has the split \(text.prefix(80)), but there is no /\(SnapshotFormat.Path.sides)")
    }
    let dataset = try file.dataset(SnapshotFormat.Path.sides)
    guard dataset.shape == [songs], let rule = try? SplitRule(text), let tags = try? VocabularyRule(options.tags)
    else {
      throw SnapshotParts.damaged(file, "its split is not what it should be")
    }
    let codes = try dataset.read(UInt8.self, limit: songs)
    guard let sides = try? codes.map({ try SnapshotFormat.side(of: $0) }) else {
      throw SnapshotParts.damaged(file, "/songs/side has values other than 0 to 3")
    }
    return PreparedSplit(rule, seed: seed, sides: sides, countedTags: tags.counted)
  }

  /// Of the training songs, of each feature that is scaled, where the snapshot keeps a split.
  func standardization() throws -> [Feature: Standardization] {
    var kept: [Feature: Standardization] = [:]
    for feature in features.features
    where feature.isStandardized && file.contains(SnapshotFormat.Path.mean(feature)) {
      let scale = Standardization(
        mean: try file.dataset(SnapshotFormat.Path.mean(feature)).read(Float.self, limit: feature.width),
        deviation: try file.dataset(SnapshotFormat.Path.deviation(feature)).read(Float.self, limit: feature.width))
      guard scale.isSound(width: feature.width) else {
        throw SnapshotParts.damaged(
          file,
          "/\(SnapshotFormat.Path.standardization) does not hold \(feature.width) means and deviations above 0 of "
            + "\(feature.rawValue)")
      }
      kept[feature] = scale
    }
    return kept
  }

  /// What is known of whole songs, a row each.
  func songFeatures() throws -> [SongFeature: Dataset] {
    var datasets: [SongFeature: Dataset] = [:]
    for feature in features.ofSong {
      let path = SnapshotFormat.Path.values(feature)
      let dataset = try file.dataset(path)
      guard dataset.shape == [songs, feature.width], dataset.element.isSame(as: .float32),
        try fits(songs, feature.width * ElementType.float32.bytes)
      else {
        throw SnapshotParts.damaged(
          file,
          "/\(path) holds \(dataset.shape) × \(dataset.element), expected \([songs, feature.width]) of single precision"
        )
      }
      datasets[feature] = dataset
    }
    return datasets
  }

  func record(tags: [String]) throws -> SnapshotRecord {
    func decoded<Value: Decodable>(_ attribute: String, as type: Value.Type) throws -> Value {
      let text = try file.textAttribute(attribute)
      do {
        return try JSONDecoder().decode(type, from: Data(text.utf8))
      } catch {
        throw SnapshotParts.damaged(file, "its attribute \(attribute) is not as expected: \(error)")
      }
    }
    let counts = try decoded(SnapshotFormat.Attribute.counts, as: SongCounts.self)
    guard SnapshotParts.fall(counts.funnel.steps.map(\.songs)),
      SongCounts.fields.allSatisfy({ (0...SnapshotParts.mostSongs).contains(counts[keyPath: $0]) })
    else { throw SnapshotParts.damaged(file, "its counts of songs are not possible") }
    return SnapshotRecord(
      options: try decoded(SnapshotFormat.Attribute.options, as: SnapshotRecord.Options.self),
      counts: counts, distribution: try distribution(),
      tags: tags)
  }

  private func distribution() throws -> SegmentDistribution {
    let columns = try ["segments", "read", "joined", "tagged"].map { name in
      try file.dataset("\(SnapshotFormat.Path.distribution)/\(name)")
        .read(Int32.self, limit: SegmentLimits.mostInTrackFile + 1).map(Int.init)
    }
    guard Set(columns.map(\.count)).count == 1 else {
      throw SnapshotParts.damaged(file, "the columns of /distribution differ in length")
    }
    let isSound = columns[0].indices.allSatisfy { row in
      (0...SegmentLimits.mostInTrackFile).contains(columns[0][row])
        && SnapshotParts.fall([columns[1][row], columns[2][row], columns[3][row]])
    }
    guard isSound else { throw SnapshotParts.damaged(file, "/distribution has numbers that no songs can have") }
    return SegmentDistribution(segments: columns[0], read: columns[1], joined: columns[2], tagged: columns[3])
  }

  /// Whether these can be numbers of songs left after one step and another.
  private static func fall(_ songs: [Int]) -> Bool {
    songs.allSatisfy { (0...mostSongs).contains($0) } && zip(songs, songs.dropFirst()).allSatisfy { $0.0 >= $0.1 }
  }

  /// Whether so many elements of a size can be in a file of this size.
  func fits(_ count: Int, _ bytes: Int) throws -> Bool {
    let (total, overflow) = count.multipliedReportingOverflow(by: bytes)
    return !overflow && total <= mostBytes
  }
}
