import Foundation

/// Which ranks are on one node, and so can look into the same memory.
public struct NodeLayout: Sendable, Equatable {
  /// The ranks of each node, ascending; the nodes in the order of their lowest ranks.
  public let nodes: [[Int]]
  /// Of each rank, the number of its node.
  public let nodeOfRank: [Int]

  /// The environment variable that lets at most so many ranks count as one node: to see on one machine what happens
  /// between several.
  public static let environmentVariable = "CRNN_DIST_RANKS_PER_NODE"

  /// - Parameter lowestRanks: of each rank, the lowest rank on its node.
  public init(lowestRanks: [Int]) {
    let lowest = Set(lowestRanks).sorted()
    let numbers = Dictionary(uniqueKeysWithValues: lowest.enumerated().map { ($1, $0) })
    nodeOfRank = lowestRanks.map { numbers[$0]! }
    var nodes = [[Int]](repeating: [], count: lowest.count)
    for (rank, node) in nodeOfRank.enumerated() { nodes[node].append(rank) }
    self.nodes = nodes
  }

  /// Nodes of so many ranks each, the last perhaps of fewer.
  public init(size: Int, ranksPerNode: Int) {
    self.init(lowestRanks: (0..<size).map { $0 / max(1, ranksPerNode) * max(1, ranksPerNode) })
  }

  /// The ranks of a rank's node, itself among them.
  public func neighbours(of rank: Int) -> [Int] { nodes[nodeOfRank[rank]] }

  /// The rank that acts for a node where one does: its lowest.
  public func speaker(of node: Int) -> Int { nodes[node][0] }

  /// Whether a rank acts for its node.
  public func isSpeaker(_ rank: Int) -> Bool { speaker(of: nodeOfRank[rank]) == rank }

  /// What the environment limits nodes to; nil where it does not.
  package static func ranksPerNode(of environment: [String: String]) -> Int? {
    environment[environmentVariable].flatMap { Int($0) }.flatMap { $0 > 0 ? $0 : nil }
  }
}
