import Kernels
import MessagePassing

// check-layers: raw memory, because ranks of a node look into one another's gradients.

/// What the ranks of a node make of their gradients before anything leaves the node: on the only node the sum itself, else
/// the parts that the other nodes are told of. Each rank does it for its share of every bucket.
struct NodeParts {
  /// A part that others are told of.
  private enum Part {
    /// The gradients of one rank as they are, by its place.
    case rank(Int)
    /// What the ranks have summed.
    case sum(OrderedAddition)
  }

  private let memory: ExchangeMemory
  private let format: GradientFormat
  private var parts: [Part] = []
  /// On the only node.
  private let whole: OrderedAddition?

  /// The blocks of ranks that a node tells others of.
  static func blocks(
    _ ranks: [Int], _ tree: SummationTree, _ format: GradientFormat
  ) -> [[SummationTree.Block]] {
    let blocks = tree.blocks(of: ranks)
    // A sum that is rounded on its way need not keep an order.
    return format == .none ? blocks.map { [$0] } : [blocks]
  }

  init(_ memory: ExchangeMemory, _ format: GradientFormat) {
    self.memory = memory
    self.format = format
    let ranks = memory.localRanks
    let tree = SummationTree(memory.layout)
    let runs = ranks.map(tree.block)
    whole = memory.nodes == 1 ? OrderedAddition(tree.addition(ofAllFrom: runs)) : nil
    guard memory.nodes > 1 else { return }
    for blocks in Self.blocks(ranks, tree, format) {
      let steps = blocks.map { tree.addition(of: $0, from: runs) }
      let addition = steps.dropFirst().reduce(steps[0]) { $0 + $1 + [.add] }
      if format == .none, addition.count == 1, case .take(let place) = addition[0] {
        parts.append(.rank(place))
      } else {
        parts.append(.sum(OrderedAddition(addition)))
      }
    }
  }

  /// Parts of a node.
  var count: Int { parts.count }

  /// Whether every part is some rank's gradients as they are.
  var needNoSum: Bool {
    whole == nil && parts.allSatisfy { if case .rank = $0 { true } else { false } }
  }

  /// Sums this rank's share of a bucket.
  func sum(_ bucket: Range<Int>) {
    let range = GradientBuckets.part(memory.place, of: memory.localRanks.count, bucket)
    guard !range.isEmpty else { return }
    let runs = memory.localRanks.indices.map { NumberRun(memory.gradients($0) + range.lowerBound, .double) }
    if let whole { whole.sum(runs, count: range.count, to: memory.sum + range.lowerBound) }
    for (number, part) in parts.enumerated() {
      guard case .sum(let addition) = part else { continue }
      let target = memory.part(number, from: range.lowerBound, format.part)
      switch format {
      case .none: addition.sum(runs, count: range.count, to: target.assumingMemoryBound(to: Double.self))
      case .fp32: addition.sum(runs, count: range.count, to: target.assumingMemoryBound(to: Float.self))
      case .bf16:
        addition.sum(
          runs, count: range.count, toBrainFloats: target.assumingMemoryBound(to: UInt16.self),
          error: memory.partError + range.lowerBound)
      }
    }
  }

  /// Where a part lies, from a value on.
  func start(_ number: Int, from value: Int) -> UnsafeRawPointer {
    if case .rank(let place) = parts[number] { return UnsafeRawPointer(memory.gradients(place) + value) }
    return UnsafeRawPointer(memory.part(number, from: value, format.part))
  }
}
