import Diagnosis
import MessagePassing
import Sampling
import Segments

/// Where batches take songs' values from.
protocol SongStore: AnyObject {
  /// Writes some of a song's segments to `target`, starting at `offset`, as the network takes them.
  func copy(_ song: Int, _ segments: Range<Int>, _ input: SongInput, to target: inout [Float], at offset: Int)
    throws
}

/// The segments of the songs that this rank works on, in memory, as compactly as the source has them.
public final class SongFeatures: SongStore {
  private let input: SongInput
  /// Segments that the source has of each song.
  private let counts: [Int]
  /// Where a song's segments are; −1: not here.
  private var starts: [Int]
  private var columns: [Column]
  private var segments = 0
  /// Segments that there will be when all songs are loaded.
  private let expectedSegments: Int

  /// A feature's values, of one kind.
  private struct Column {
    let feature: Feature
    var thousandths: [UInt16] = []
    var wideThousandths: [Int32] = []
    var floats: [Float] = []
    var halves: [UInt16] = []

    var values: SegmentValues {
      if !thousandths.isEmpty { return .thousandths(thousandths) }
      if !halves.isEmpty { return .halves(halves) }
      return wideThousandths.isEmpty ? .floats(floats) : .wideThousandths(wideThousandths)
    }

    /// - Parameter room: values that there will be in the end. Room for all is made at once: an array that grows has
    ///   twice its memory for a moment.
    mutating func append(_ values: SegmentValues, room: Int) throws {
      func add<Value>(_ new: [Value], to all: inout [Value]) {
        if all.isEmpty && !new.isEmpty { all.reserveCapacity(room) }
        all += new
      }
      switch values {
      case .thousandths(let new): add(new, to: &thousandths)
      case .wideThousandths(let new): add(new, to: &wideThousandths)
      case .floats(let new): add(new, to: &floats)
      case .halves(let new): add(new, to: &halves)
      }
      let isOneKind =
        [thousandths.isEmpty, wideThousandths.isEmpty, floats.isEmpty, halves.isEmpty].filter({ !$0 }).count <= 1
      guard isOneKind else {
        throw Failure(.fault, "the \(feature.rawValue) of songs of one source come in two kinds")
      }
    }
  }

  /// - Parameter songs: all that will be loaded.
  init(_ source: any SongSource, _ input: SongInput, expecting songs: some Sequence<Int>) {
    self.input = input
    let counts = source.segmentCounts
    self.counts = counts
    expectedSegments = songs.reduce(0) { $0 + input.everything(of: counts[$1]).count }
    starts = Array(repeating: -1, count: counts.count)
    columns = input.features.features.map { Column(feature: $0) }
  }

  public func holds(_ song: Int) -> Bool { starts[song] >= 0 }

  /// Bytes that songs of a source take here.
  static func bytes(of songs: some Sequence<Int>, _ source: any SongSource, _ input: SongInput) -> Int {
    let bytes = input.features.features.reduce(0) { $0 + source.bytesOfSegment($1) }
    let counts = source.segmentCounts
    return songs.reduce(0) { $0 + input.everything(of: counts[$1]).count } * bytes
  }

  func copy(_ song: Int, _ segments: Range<Int>, _ input: SongInput, to target: inout [Float], at offset: Int) {
    let first = starts[song] - self.input.everything(of: counts[song]).lowerBound
    for column in columns {
      input.write(
        column.feature, column.values, segments: first + segments.lowerBound..<first + segments.upperBound,
        to: &target, at: offset)
    }
  }

  /// Keeps songs' values, those of each feature in the order of the songs.
  private func keep(_ songs: some Sequence<Int>, _ values: [SegmentValues]) throws {
    for song in songs {
      starts[song] = segments
      segments += input.everything(of: counts[song]).count
    }
    for (index, values) in values.enumerated() {
      let width = input.width(of: columns[index].feature)
      try columns[index].append(values, room: expectedSegments * width)
      guard columns[index].values.count == segments * width else {
        throw Failure(.fault, "\(segments) segments came with \(columns[index].values.count) values")
      }
    }
  }
}

// MARK: - Loading

extension SongFeatures {
  /// Songs read at once: enough for few calls, few enough for little memory.
  private static func block(songs: Int, bytes: Int) -> Int {
    max(1, min(128, blockBytes / max(1, bytes / max(1, songs))))
  }

  private static let blockBytes = 16 << 20

  private func block(of songs: [Int], from source: any SongSource) -> Int {
    Self.block(songs: songs.count, bytes: Self.bytes(of: songs, source, input))
  }

  /// Bytes that loading takes for a moment beside what it keeps: a block as it is read, sent, received and joined.
  /// - Parameter readers: ranks that each read a part of every block.
  static func loadingBytes(songs: Int, bytes: Int, readers: Int) -> Int {
    4 * bytes / max(1, songs) * min(songs, block(songs: songs, bytes: bytes) * readers)
  }

  /// Reads songs that only this rank needs. `songs` are in rising order.
  func load(_ songs: [Int], from source: any SongSource) throws {
    let missing = songs.filter { !holds($0) }
    let block = block(of: missing, from: source)
    for start in stride(from: 0, to: missing.count, by: block) {
      let rows = missing[start..<min(start + block, missing.count)]
      try keep(rows, read(rows, from: source))
    }
  }

  /// Reads songs that every rank needs: each rank reads a part of every block from the disk and gets the others'
  /// parts from the ranks that read them. `songs` are in rising order and the same on all ranks. Collective.
  func loadShared(_ songs: [Int], from source: any SongSource, _ communicator: any Communicator) throws {
    guard communicator.size > 1 else { return try load(songs, from: source) }
    try readShared(songs, from: source, communicator) { try keep($0, $1) }
  }

  /// As `loadShared`, into memory of the node; there the lowest rank writes.
  func loadShared(
    _ songs: [Int], from source: any SongSource, to node: NodeSongs, _ communicator: any Communicator
  ) throws {
    let isWriter = communicator.layout.isSpeaker(communicator.rank)
    try readShared(songs, from: source, communicator) { try node.keep($0, $1, writes: isWriter) }
    // Nobody reads before there is something.
    try communicator.barrier()
  }

  private func readShared(
    _ songs: [Int], from source: any SongSource, _ communicator: any Communicator,
    _ keep: (ArraySlice<Int>, [SegmentValues]) throws -> Void
  ) throws {
    let block = block(of: songs, from: source) * communicator.size
    for start in stride(from: 0, to: songs.count, by: block) {
      let range = start..<min(start + block, songs.count)
      let own = try communicator.agree {
        try read(songs[share(of: range, rank: communicator.rank, size: communicator.size)], from: source)
      }
      try keep(songs[range], own.map { try Self.exchanged($0, communicator) })
    }
  }

  /// These songs, those that are here already taken over, the others read.
  func exchanged(for songs: [Int], from source: any SongSource) throws -> SongFeatures {
    let next = SongFeatures(source, input, expecting: songs)
    for song in songs.filter(holds) {
      let count = input.everything(of: counts[song]).count
      try next.keep(
        [song],
        columns.map {
          $0.values.segments(starts[song]..<starts[song] + count, width: input.width(of: $0.feature))
        })
    }
    try next.load(songs, from: source)
    return next
  }

  /// Each feature of songs by number; of whole songs, successive ones in one read.
  private func read(_ songs: ArraySlice<Int>, from source: any SongSource) throws -> [SegmentValues] {
    let areWhole = songs.allSatisfy { input.everything(of: counts[$0]).count == counts[$0] }
    return try columns.map { column in
      if areWhole {
        return .joined(try consecutive(songs).map { try source.values(of: column.feature, songs: $0) })
      }
      return .joined(
        try songs.map {
          try source.values(of: column.feature, song: $0, segments: input.everything(of: counts[$0]))
        })
    }
  }

  /// All ranks' values in the order of ranks.
  private static func exchanged(_ own: SegmentValues, _ communicator: any Communicator) throws -> SegmentValues {
    // A rank without a part brings no values, whichever kind it takes its nothing for.
    let kind = own.count == 0 ? 0 : own.kind
    switch try communicator.allreduce(kind, .maximum) {
    case SegmentValues.thousandths([]).kind:
      guard case .thousandths(let values) = kind == 0 ? .thousandths([]) : own else { throw twoKinds }
      return .thousandths(try communicator.allgather(values: values).flatMap { $0 })
    case SegmentValues.wideThousandths([]).kind:
      guard case .wideThousandths(let values) = kind == 0 ? .wideThousandths([]) : own else { throw twoKinds }
      return .wideThousandths(try communicator.allgather(values: values).flatMap { $0 })
    case SegmentValues.halves([]).kind:
      guard case .halves(let values) = kind == 0 ? .halves([]) : own else { throw twoKinds }
      return .halves(try communicator.allgather(values: values).flatMap { $0 })
    default:
      return .floats(try communicator.allgather(values: own.floats).flatMap { $0 })
    }
  }

  private static var twoKinds: Failure { Failure(.fault, "songs of one source come in two kinds of numbers") }
}

extension SegmentValues {
  var kind: Int {
    switch self {
    case .thousandths: 1
    case .wideThousandths: 2
    case .floats: 3
    case .halves: 4
    }
  }

  /// Parts of one source, one after the other.
  static func joined(_ parts: [SegmentValues]) -> SegmentValues {
    guard parts.count != 1 else { return parts[0] }
    var thousandths: [UInt16] = []
    var wide: [Int32] = []
    var halves: [UInt16] = []
    for part in parts {
      switch part {
      case .thousandths(let values): thousandths += values
      case .wideThousandths(let values): wide += values
      case .halves(let values): halves += values
      case .floats: return .floats(parts.flatMap(\.floats))
      }
    }
    switch (thousandths.isEmpty, wide.isEmpty, halves.isEmpty) {
    case (true, _, true): return .wideThousandths(wide)
    case (false, true, true): return .thousandths(thousandths)
    case (true, true, false): return .halves(halves)
    default: return .floats(parts.flatMap(\.floats))
    }
  }
}
