import Diagnosis
import MessagePassing
import MillionSong
import Sampling

/// Mean and deviation of each timbre coefficient over the training songs: what is subtracted and divided by.
public struct Standardization: Sendable, Equatable {
  public var mean: [Float]
  public var deviation: [Float]

  public init(mean: [Float], deviation: [Float]) {
    self.mean = mean
    self.deviation = deviation
  }

  /// Songs whose sums are taken together: a constant, so that the result does not depend on the number of ranks.
  private static let songsOfBlock = 64

  /// Over all segments of the songs that training can see. Each rank reads a share of the songs; the result is the
  /// same to the last bit for any number of ranks. Collective.
  package static func measured(
    _ songs: [Int], of source: any SongSource, _ input: SongInput, _ communicator: any Communicator
  ) throws -> Standardization {
    let blocks = 0..<(songs.count + songsOfBlock - 1) / songsOfBlock
    let own = share(of: blocks, rank: communicator.rank, size: communicator.size)
    let sums = try communicator.agree {
      try own.flatMap { block in
        try Sums(songs[(block * songsOfBlock)...].prefix(songsOfBlock), of: source, input).values
      }
    }
    var total = Sums()
    for part in try communicator.allgather(sums) {
      for start in stride(from: 0, to: part.count, by: Sums.count) {
        total.add(part[start..<start + Sums.count])
      }
    }
    return total.standardization
  }

  /// Count, sums and sums of squares.
  private struct Sums {
    static let count = 1 + 2 * Feature.width
    var values = [Double](repeating: 0, count: count)

    init() {}

    init(_ songs: ArraySlice<Int>, of source: any SongSource, _ input: SongInput) throws {
      for song in songs {
        let window = input.everything(of: source.segmentCounts[song])
        for (position, value) in try source.values(of: .timbre, song: song, segments: window).floats.enumerated() {
          let coefficient = position % Feature.width
          values[1 + coefficient] += Double(value)
          values[1 + Feature.width + coefficient] += Double(value) * Double(value)
        }
        values[0] += Double(window.count)
      }
    }

    mutating func add(_ other: ArraySlice<Double>) {
      for (index, value) in other.enumerated() { values[index] += value }
    }

    var standardization: Standardization {
      let segments = max(values[0], 1)
      let means = values[1...Feature.width].map { $0 / segments }
      let deviations = means.indices.map { index -> Float in
        let variance = values[1 + Feature.width + index] / segments - means[index] * means[index]
        // A coefficient that never changes tells nothing; dividing by what rounding left would make it shout.
        return variance > 1e-6 ? Float(variance.squareRoot()) : 1
      }
      return Standardization(mean: means.map { Float($0) }, deviation: deviations)
    }
  }
}
