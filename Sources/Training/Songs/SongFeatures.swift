import Diagnosis
import MessagePassing
import MillionSong
import Sampling

// check-layers: raw memory, because 16-bit pitches travel between ranks as bytes.

/// The pitches of the songs that this rank works on, in memory, two bytes a value where the data allow it.
public final class SongFeatures {
  /// Values of a song: segments × 12.
  private let width: Int
  /// Where a song's values are; -1: not here.
  private var slots: [Int32]
  private var thousandths: [UInt16] = []
  private var floats: [Float] = []
  private var count: Int32 = 0

  /// The value of each number of thousandths, as the reader of tracks defines it.
  private static let values = SegmentValues.thousandths(Array(0...1000)).floats

  /// - Parameter songs: how many there are in the source.
  public init(songs: Int, segments: Int) {
    width = segments * Track.pitchClasses
    slots = Array(repeating: -1, count: songs)
  }

  public func holds(_ song: Int) -> Bool { slots[song] >= 0 }

  /// Copies a song that is here to `target`, starting at `offset`: `[segment][pitch class]`.
  func copy(_ song: Int, to target: inout [Float], at offset: Int) {
    let start = Int(slots[song]) * width
    if floats.isEmpty {
      for i in 0..<width { target[offset + i] = Self.values[Int(thousandths[start + i])] }
    } else {
      target.replaceSubrange(offset..<offset + width, with: floats[start..<start + width])
    }
  }

  /// Keeps songs' values; those that are here already stay as they are.
  private func keep(_ songs: some Sequence<Int>, _ values: SegmentValues) throws {
    switch values {
    case .thousandths(let new) where floats.isEmpty:
      thousandths += new.map { min($0, 1000) }
    case .floats(let new) where thousandths.isEmpty:
      floats += new
    default:
      throw Failure(.fault, "songs of one source come as thousandths and as floats")
    }
    for song in songs {
      slots[song] = count
      count += 1
    }
    guard thousandths.count + floats.count == Int(count) * width else {
      throw Failure(.fault, "\(count) songs came with \(thousandths.count + floats.count) pitches")
    }
  }
}

// MARK: - Loading

extension SongFeatures {
  /// Songs read at once: enough for few calls, few enough for little memory.
  private static let block = 256

  /// Reads songs that only this rank needs. `songs` are in rising order.
  public func load(_ songs: [Int], from source: any SongSource) throws {
    let missing = songs.filter { !holds($0) }
    for start in stride(from: 0, to: missing.count, by: Self.block) {
      let rows = missing[start..<min(start + Self.block, missing.count)]
      try keep(rows, Self.read(rows, from: source, width: width))
    }
  }

  /// Reads songs that every rank needs: each rank reads a part of every block from the disk and gets the others'
  /// parts from the ranks that read them. `songs` are in rising order and the same on all ranks. Collective.
  public func loadShared(_ songs: [Int], from source: any SongSource, _ communicator: any Communicator) throws {
    guard communicator.size > 1 else { return try load(songs, from: source) }
    let block = Self.block * communicator.size
    for start in stride(from: 0, to: songs.count, by: block) {
      let range = start..<min(start + block, songs.count)
      let own = try communicator.agree {
        try Self.read(
          songs[share(of: range, rank: communicator.rank, size: communicator.size)], from: source, width: width)
      }
      try keep(songs[range], Self.exchanged(own, communicator))
    }
  }

  /// Songs by number, successive ones in one read.
  private static func read(_ songs: ArraySlice<Int>, from source: any SongSource, width: Int) throws
    -> SegmentValues
  {
    var parts: [SegmentValues] = []
    for run in consecutive(songs) { parts.append(try source.pitchValues(of: run)) }
    return joined(parts)
  }

  /// Maximal ranges of successive numbers.
  private static func consecutive(_ songs: ArraySlice<Int>) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    for song in songs {
      if let last = runs.last, last.upperBound == song {
        runs[runs.count - 1] = last.lowerBound..<song + 1
      } else {
        runs.append(song..<song + 1)
      }
    }
    return runs
  }

  /// All ranks' values in the order of ranks.
  private static func exchanged(_ own: SegmentValues, _ communicator: any Communicator) throws -> SegmentValues {
    // A rank without a part brings no bytes, whichever kind it takes its nothing for.
    let kinds = try communicator.allgather(own.count == 0 ? 0 : own.isThousandths ? 1 : 2)
    if kinds.contains(2) {
      return .floats(try communicator.allgather(own.floats).flatMap { $0 })
    }
    guard case .thousandths(let values) = own.count == 0 ? .thousandths([]) : own else {
      throw Failure(.fault, "songs of one source come as thousandths and as floats")
    }
    let parts = try values.withUnsafeBytes { try communicator.allgather($0) }
    return .thousandths(parts.flatMap { bytes in bytes.withUnsafeBytes { Array($0.bindMemory(to: UInt16.self)) } })
  }

  private static func joined(_ parts: [SegmentValues]) -> SegmentValues {
    guard parts.count != 1 else { return parts[0] }
    var thousandths: [UInt16] = []
    for part in parts {
      guard case .thousandths(let values) = part else { return .floats(parts.flatMap(\.floats)) }
      thousandths += values
    }
    return .thousandths(thousandths)
  }
}

extension SegmentValues {
  fileprivate var isThousandths: Bool { if case .thousandths = self { true } else { false } }
}
