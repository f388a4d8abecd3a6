import Kernels
import MessagePassing
import Networks

// check-layers: raw memory, because ranks of a node look into one another's gradients.

/// The memory that ranks of a node share to sum gradients: each rank's part, what the node tells others of, and the sum.
final class ExchangeMemory {
  let layout: NodeLayout
  /// This rank's node, and its place there.
  let node: Int
  let place: Int
  /// Values of the gradients' arena.
  let count: Int
  /// The sum over all ranks, rounded.
  let sum: UnsafeMutablePointer<Float>
  /// What rounding has lost of this node's parts; zeros where nothing is lost.
  let partError: UnsafeMutablePointer<Float>
  /// Buckets, counted over all steps, that each rank has brought; that each has summed its part of; and that are there.
  let ready: SharedCounters
  let summed: SharedCounters
  let finished: SharedCounters

  private let memory: NodeMemory
  private let parts: UnsafeMutableRawPointer
  private let partBytes: Int

  /// Ranks of this node.
  var localRanks: [Int] { layout.nodes[node] }
  var nodes: Int { layout.nodes.count }
  /// Whether this rank speaks for its node.
  var isSpeaker: Bool { place == 0 }

  /// Collective. Where nodes have no room for shared memory, every rank is a node of its own.
  init(_ communicator: any Communicator, count: Int, format: GradientFormat) throws {
    self.count = count
    var layout = communicator.layout
    func bytes() -> Int { Self.bytes(count, layout, rank: communicator.rank, format) }
    if let shared = try communicator.makeNodeMemory(bytes: bytes(), ofEach: Self.room(count, 8)) {
      memory = shared
    } else {
      layout = NodeLayout(size: communicator.size, ranksPerNode: 1)
      memory = NodeMemory.ofOneRank(bytes: bytes())
    }
    self.layout = layout
    node = layout.nodeOfRank[communicator.rank]
    let ranks = layout.neighbours(of: communicator.rank)
    place = ranks.firstIndex(of: communicator.rank)!
    var next = memory.bytes.baseAddress! + ranks.count * Self.room(count, 8)
    func take(_ bytes: Int) -> UnsafeMutableRawPointer {
      defer { next += bytes }
      return next
    }
    sum = take(Self.room(count, 4)).bindMemory(to: Float.self, capacity: count)
    let several = layout.nodes.count > 1
    partError = take(several && format == .bf16 ? Self.room(count, 4) : 0).bindMemory(
      to: Float.self, capacity: count)
    partBytes = Self.room(count, format.part.bytes)
    ready = SharedCounters(at: take(SharedCounters.bytes(ranks.count)), count: ranks.count)
    summed = SharedCounters(at: take(SharedCounters.bytes(ranks.count)), count: ranks.count)
    finished = SharedCounters(at: take(SharedCounters.bytes(1)), count: 1)
    parts = next
  }

  /// Bytes of a number of values, and of a vector more, which kernels may read.
  private static func room(_ count: Int, _ bytes: Int) -> Int {
    NodeMemory.room((count + 2 * vectorWidth) * bytes)
  }

  /// Bytes that the ranks of a rank's node share.
  static func bytes(_ count: Int, _ layout: NodeLayout, rank: Int, _ format: GradientFormat) -> Int {
    let ranks = layout.neighbours(of: rank)
    let several = layout.nodes.count > 1
    let parts = several ? NodeParts.blocks(ranks, SummationTree(layout), format).count : 0
    return ranks.count * room(count, 8) + room(count, 4) + (several && format == .bf16 ? room(count, 4) : 0)
      + parts * room(count, format.part.bytes) + SharedCounters.bytes(2 * ranks.count + 1)
  }

  /// The gradients of a rank of this node, by its place.
  func gradients(_ place: Int) -> UnsafeMutablePointer<Double> {
    (memory.bytes.baseAddress! + place * Self.room(count, 8)).assumingMemoryBound(to: Double.self)
  }

  /// A part of the node's sum, from a value on.
  func part(_ number: Int, from value: Int, _ format: NumberFormat) -> UnsafeMutableRawPointer {
    parts + number * partBytes + value * format.bytes
  }

  var replicaMemory: GradientMemory {
    GradientMemory(gradients: gradients(place), sum: sum, owner: memory)
  }
}
