import Diagnosis
import MessagePassing
import Sampling
import Segments

// check-layers: raw memory, because the ranks of a node share it.

/// Songs that all ranks need, in memory once for each node.
final class NodeSongs: SongStore {
  private let input: SongInput
  private let counts: [Int]
  private let memory: NodeMemory
  /// Where a song's segments are; −1: not here.
  private var starts: [Int]
  private var segments = 0
  /// Of each feature: its kind, and where its values begin.
  private var columns: [(feature: Feature, kind: Int, start: Int)]

  /// Nil on all ranks where no node has several, or one has no room for it. Collective.
  /// - Parameter songs: in rising order and the same on all ranks.
  static func make(
    _ source: any SongSource, _ input: SongInput, _ songs: [Int], _ communicator: any Communicator
  ) throws -> NodeSongs? {
    guard communicator.layout.nodes.contains(where: { $0.count > 1 }), input.width > 0 else { return nil }
    let bytes = SongFeatures.bytes(of: songs, source, input)
    guard
      let memory = try communicator.makeNodeMemory(
        bytes: bytes + input.features.features.count * NodeMemory.boundary)
    else { return nil }
    return NodeSongs(source, input, songs, memory)
  }

  private init(_ source: any SongSource, _ input: SongInput, _ songs: [Int], _ memory: NodeMemory) {
    self.input = input
    self.memory = memory
    counts = source.segmentCounts
    starts = Array(repeating: -1, count: counts.count)
    columns = []
    let all = songs.reduce(0) { $0 + input.everything(of: counts[$1]).count }
    var start = 0
    for feature in input.features.features {
      columns.append((feature, 0, start))
      start += NodeMemory.room(all * source.bytesOfSegment(feature))
    }
  }

  func holds(_ song: Int) -> Bool { starts[song] >= 0 }

  func copy(_ song: Int, _ segments: Range<Int>, _ input: SongInput, to target: inout [Float], at offset: Int) {
    let first = starts[song] - self.input.everything(of: counts[song]).lowerBound
    for column in columns {
      let width = input.width(of: column.feature)
      let values = (first + segments.lowerBound) * width..<(first + segments.upperBound) * width
      input.write(
        column.feature, self.values(values, of: column.kind, from: column.start), segments: 0..<segments.count,
        to: &target, at: offset)
    }
  }

  private func values(_ range: Range<Int>, of kind: Int, from start: Int) -> SegmentValues {
    func copy<Value>(_ type: Value.Type) -> [Value] {
      let bytes = range.lowerBound * MemoryLayout<Value>.stride..<range.upperBound * MemoryLayout<Value>.stride
      return Array(
        UnsafeRawBufferPointer(
          rebasing: UnsafeRawBufferPointer(memory.bytes)[start + bytes.lowerBound..<start + bytes.upperBound]
        )
        .bindMemory(to: Value.self))
    }
    switch kind {
    case SegmentValues.thousandths([]).kind: return .thousandths(copy(UInt16.self))
    case SegmentValues.wideThousandths([]).kind: return .wideThousandths(copy(Int32.self))
    case SegmentValues.halves([]).kind: return .halves(copy(UInt16.self))
    default: return .floats(copy(Float.self))
    }
  }

  /// Takes up the next songs; the lowest rank of a node writes their values.
  func keep(_ songs: some Sequence<Int>, _ values: [SegmentValues], writes: Bool) throws {
    let segmentsBefore = segments
    for song in songs {
      starts[song] = segments
      segments += input.everything(of: counts[song]).count
    }
    for (index, values) in values.enumerated() {
      let width = input.width(of: columns[index].feature)
      let before = segmentsBefore * width
      guard values.count == segments * width - before else {
        throw Failure(.fault, "\(segments) segments came with \(before + values.count) values")
      }
      guard columns[index].kind == 0 || columns[index].kind == values.kind || values.count == 0 else {
        throw Failure(.fault, "the \(columns[index].feature.rawValue) of songs of one source come in two kinds")
      }
      if values.count > 0 { columns[index].kind = values.kind }
      guard writes else { continue }
      let start = columns[index].start
      func write<Value>(_ values: [Value]) throws {
        let stride = MemoryLayout<Value>.stride
        guard start + (before + values.count) * stride <= memory.bytes.count else {
          throw Failure(.fault, "songs take more memory than was said")
        }
        values.withUnsafeBytes { bytes in
          UnsafeMutableRawBufferPointer(rebasing: memory.bytes[(start + before * stride)...]).copyMemory(
            from: bytes)
        }
      }
      switch values {
      case .thousandths(let values): try write(values)
      case .wideThousandths(let values): try write(values)
      case .floats(let values): try write(values)
      case .halves(let values): try write(values)
      }
    }
  }
}
