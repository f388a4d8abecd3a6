import HierarchicalData

// check-layers: raw memory, because songs are written straight into the batch, with no array of their own.

/// How a snapshot keeps pitches.
public enum PitchEncoding: String, Sendable, Codable {
  /// 16-bit thousandths, without loss for values of three decimals.
  case thousandths
  /// Single precision, where some value has more decimals.
  case float32

  var elementType: ElementType { self == .thousandths ? .uint16 : .float32 }
  var bytes: Int { self == .thousandths ? 2 : 4 }
}

/// Pitches of some songs in a row, as compactly as the snapshot keeps them.
public struct PitchBlock: Sendable {
  public let songs: Int
  public let segments: Int
  public let values: PitchValues

  init(songs: Int, segments: Int, values: PitchValues) {
    self.songs = songs
    self.segments = segments
    self.values = values
  }

  /// Bytes of memory that the values take.
  public var bytes: Int {
    switch values {
    case .thousandths(let values): values.count * 2
    case .floats(let values): values.count * 4
    }
  }

  /// Writes one song as floats: `[segments][12]`, time first. The buffer must have room for `segments × 12`.
  public func copySong(_ index: Int, to floats: UnsafeMutableBufferPointer<Float>) {
    let size = segments * Track.pitchClasses
    precondition(index >= 0 && index < songs && floats.count >= size, "a song of the block and room for it")
    switch values {
    case .thousandths(let values):
      PitchValues.floatsOfThousandths.withUnsafeBufferPointer { table in
        for position in 0..<size { floats[position] = table[Int(values[index * size + position])] }
      }
    case .floats(let values):
      for position in 0..<size { floats[position] = values[index * size + position] }
    }
  }
}
