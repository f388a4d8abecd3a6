import Diagnosis
import HierarchicalData

/// Where a snapshot's songs lie in its datasets of segments.
enum SongPlaces: Sendable {
  /// All songs have so many segments.
  case equal(Int)
  /// The first segment of each song among those of all, and their number.
  case ragged([Int])

  func segments(of song: Int) -> Int {
    switch self {
    case .equal(let count): count
    case .ragged(let starts): starts[song + 1] - starts[song]
    }
  }
}

/// A feature of a snapshot's songs, read in parts.
struct StoredSegments {
  let feature: Feature
  let encoding: ValueEncoding
  let dataset: Dataset
  let places: SongPlaces

  /// The values of songs in a row, one song after the other.
  func read(songs: Range<Int>) throws -> SegmentValues {
    guard !songs.isEmpty else { return .none(feature, encoding) }
    return try checked {
      switch places {
      case .equal: try read(from: [songs.lowerBound, 0, 0], count: [songs.count] + dataset.shape.dropFirst())
      case .ragged(let starts):
        try read(
          from: [starts[songs.lowerBound], 0],
          count: [starts[songs.upperBound] - starts[songs.lowerBound], Feature.width])
      }
    }
  }

  /// The values of some segments of one song.
  func read(song: Int, segments: Range<Int>) throws -> SegmentValues {
    try checked {
      switch places {
      case .equal: try read(from: [song, segments.lowerBound, 0], count: [1, segments.count, Feature.width])
      case .ragged(let starts):
        try read(from: [starts[song] + segments.lowerBound, 0], count: [segments.count, Feature.width])
      }
    }
  }

  private func read(from start: [Int], count: [Int]) throws -> SegmentValues {
    switch encoding.elementType(of: feature) {
    case .uint16: .thousandths(try dataset.read(UInt16.self, from: start, count: count))
    case .int32: .wideThousandths(try dataset.read(Int32.self, from: start, count: count))
    default: .floats(try dataset.read(Float.self, from: start, count: count))
    }
  }

  private func checked(_ read: () throws -> SegmentValues) throws -> SegmentValues {
    let values = try read()
    guard values.fit(feature) else {
      throw Failure(
        .badData,
        "\(dataset.filePath): damaged: \(feature.rawValue) outside \(Int(feature.range.lowerBound)) to "
          + "\(Int(feature.range.upperBound))")
    }
    return values
  }
}
