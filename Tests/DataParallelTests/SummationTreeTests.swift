import DataParallel
import Kernels
import MessagePassing
import Networks
import Testing

@Suite struct SummationTreeTests {
  /// Adds with brackets, as words.
  private func words(_ steps: [OrderedAddition.Step], _ runs: [String]) -> String {
    var stack: [String] = []
    for step in steps {
      switch step {
      case .take(let run): stack.append(runs[run])
      case .add:
        let second = stack.removeLast()
        stack.append("(\(stack.removeLast())+\(second))")
      }
    }
    #expect(stack.count == 1)
    return stack[0]
  }

  @Test func ranksAreAddedPairByPair() {
    func order(_ size: Int) -> String {
      let tree = SummationTree(NodeLayout(size: size, ranksPerNode: size))
      return words(tree.addition(ofAllFrom: (0..<size).map(tree.block)), (0..<size).map { "\($0)" })
    }
    #expect(order(1) == "0")
    #expect(order(3) == "((0+1)+2)")
    #expect(order(5) == "(((0+1)+(2+3))+4)")
    #expect(order(8) == "(((0+1)+(2+3))+((4+5)+(6+7)))")
  }

  @Test(arguments: [(8, 4, [1, 1]), (5, 3, [2, 2]), (6, 3, [2, 2]), (4, 1, [1, 1, 1, 1]), (7, 4, [1, 1])])
  func nodesTellOfAsFewBlocksAsTheOrderAllows(size: Int, ranksPerNode: Int, expected: [Int]) {
    let layout = NodeLayout(size: size, ranksPerNode: ranksPerNode)
    let tree = SummationTree(layout)
    let blocks = layout.nodes.map { tree.blocks(of: $0) }
    #expect(blocks.map(\.count) == expected)
    // What the nodes tell is added to the same sum, with the same brackets.
    let leaves = (0..<size).map { "\($0)" }
    let parts = zip(layout.nodes, blocks).flatMap { ranks, blocks in
      blocks.map { words(tree.addition(of: $0, from: ranks.map(tree.block)), ranks.map { leaves[$0] }) }
    }
    let flat = SummationTree(NodeLayout(size: size, ranksPerNode: size))
    #expect(
      words(tree.addition(ofAllFrom: blocks.flatMap { $0 }), parts)
        == words(flat.addition(ofAllFrom: (0..<size).map(flat.block)), leaves))
  }

  @Test func ranksThatTakeTurnsOnTheNodesAreAddedNodeByNode() {
    // As with mpirun --map-by node: rank r is on node r mod 2.
    let layout = NodeLayout(lowestRanks: (0..<32).map { $0 % 2 })
    let tree = SummationTree(layout)
    #expect(layout.nodes.map { tree.blocks(of: $0).count } == [1, 1])
  }
}

@Suite struct GradientBucketsTests {
  @Test(arguments: [1, 16, 100, 1_000, 100_000])
  func bucketsAreTheWholeArenaFromItsEnd(values: Int) {
    let layout = GradientLayout(layers: [0..<96, 96..<12_096, 12_096..<12_128, 12_128..<12_528])
    let buckets = GradientBuckets(layout, values: values)
    var end = layout.count
    for range in buckets.ranges {
      #expect(range.upperBound == end && !range.isEmpty && range.lowerBound % 16 == 0)
      end = range.lowerBound
    }
    #expect(end == 0)
    // A layer's gradients can go when they are there: no bucket waits for a layer that comes later, unless it is small.
    #expect(buckets.complete(from: 96) >= buckets.count - max(1, 96 / max(16, values)))
    #expect(buckets.complete(from: 0) == buckets.count)
    #expect(buckets.complete(from: layout.count) == 0)
  }

  @Test func largeLayersAreCutAndSmallOnesGoTogether() {
    let layout = GradientLayout(layers: [0..<16, 16..<1_616, 1_616..<1_632, 1_632..<1_648])
    let buckets = GradientBuckets(layout, values: 400)
    #expect(buckets.count == 5)
    #expect(buckets.ranges[0].upperBound == 1_648 && buckets.ranges[4].lowerBound == 0)
    #expect(buckets.ranges.allSatisfy { (200...600).contains($0.count) || $0.count == 16 })
  }

  @Test(arguments: [1, 2, 3, 7])
  func partsOfARangeAreTheRange(count: Int) {
    for range in [32..<32, 32..<48, 160..<1_000] {
      let parts = (0..<count).map { GradientBuckets.part($0, of: count, range) }
      #expect(parts.first!.lowerBound == range.lowerBound && parts.last!.upperBound == range.upperBound)
      for (a, b) in zip(parts, parts.dropFirst()) {
        #expect(a.upperBound == b.lowerBound && b.lowerBound % 16 == 0)
      }
    }
  }
}
