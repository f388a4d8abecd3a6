import Kernels
import MessagePassing

/// The order in which ranks' parts of a sum are added: a binary tree over the ranks, the same wherever they run and
/// whoever adds. So the same ranks come to the same last bit on one node and on several.
///
/// The leaves are the ranks, node by node. As long as a node has neighbours by number, as launchers place them unless they
/// are told otherwise, that is the order of the ranks, whatever the nodes. Only where ranks are dealt to the nodes in turn
/// (`mpirun --map-by node`) is the order another: else a node would have to tell of its ranks one by one.
///
/// A block of the tree holds the leaves from `index · 2^level` on, `2^level` of them or as many as there are. The sum of a
/// block is the sum of its two halves; a half without leaves is left out.
package struct SummationTree {
  package struct Block: Hashable {
    let level: Int
    let index: Int
  }

  private let size: Int
  private var leafOfRank: [Int]

  package init(_ layout: NodeLayout) {
    size = layout.nodeOfRank.count
    leafOfRank = Array(0..<size)
    for (leaf, rank) in layout.nodes.joined().enumerated() { leafOfRank[rank] = leaf }
  }

  /// The whole tree.
  private var root: Block {
    var level = 0
    while 1 << level < size { level += 1 }
    return Block(level: level, index: 0)
  }

  /// A rank alone.
  package func block(_ rank: Int) -> Block { Block(level: 0, index: leafOfRank[rank]) }

  /// The fewest blocks that hold just these ranks, in the order of their leaves: what a node has to tell of them.
  package func blocks(of ranks: [Int]) -> [Block] {
    let held = Set(ranks.map { leafOfRank[$0] })
    func blocks(_ block: Block) -> [Block] {
      let inside = leaves(of: block)
      if inside.allSatisfy(held.contains) { return [smallest(block)] }
      if !inside.contains(where: held.contains) { return [] }
      return halves(of: block).flatMap(blocks)
    }
    return blocks(root)
  }

  private func leaves(of block: Block) -> Range<Int> {
    let first = min(size, block.index << block.level)
    return first..<min(size, first + (1 << block.level))
  }

  private func halves(of block: Block) -> [Block] {
    (0..<2).map { Block(level: block.level - 1, index: 2 * block.index + $0) }.filter { !leaves(of: $0).isEmpty }
  }

  /// The lowest block that holds the same leaves: a half that is all there is stands for the whole.
  private func smallest(_ block: Block) -> Block {
    guard block.level > 0 else { return block }
    let halves = halves(of: block)
    return halves.count == 1 ? smallest(halves[0]) : block
  }

  /// How to add up a block, when the sums of some blocks are there as runs, in this order.
  package func addition(of block: Block, from runs: [Block]) -> [OrderedAddition.Step] {
    let numbers = Dictionary(uniqueKeysWithValues: runs.enumerated().map { ($1, $0) })
    func addition(_ block: Block) -> [OrderedAddition.Step] {
      let block = smallest(block)
      if let run = numbers[block] { return [.take(run)] }
      precondition(block.level > 0, "rank \(block.index) is in no run")
      let halves = halves(of: block)
      return addition(halves[0]) + addition(halves[1]) + [.add]
    }
    return addition(block)
  }

  /// How to add up everything.
  package func addition(ofAllFrom runs: [Block]) -> [OrderedAddition.Step] { addition(of: root, from: runs) }
}
