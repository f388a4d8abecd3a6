import Diagnosis
import HDF5
import Segments

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
      case .equal: try read(rows: songs)
      case .ragged(let starts): try read(rows: starts[songs.lowerBound]..<starts[songs.upperBound])
      }
    }
  }

  /// The values of some segments of one song.
  func read(song: Int, segments: Range<Int>) throws -> SegmentValues {
    try checked {
      switch places {
      case .equal: try read(rows: song..<song + 1).segments(segments, width: feature.width)
      case .ragged(let starts):
        try read(rows: starts[song] + segments.lowerBound..<starts[song] + segments.upperBound)
      }
    }
  }

  private func read(rows: Range<Int>) throws -> SegmentValues {
    switch encoding.elementType(of: feature) {
    case .uint16: .thousandths(try dataset.read(UInt16.self, rows: rows))
    case .int32: .wideThousandths(try dataset.read(Int32.self, rows: rows))
    default: .floats(try dataset.read(Float.self, rows: rows))
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
