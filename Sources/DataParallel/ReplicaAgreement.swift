import ContentHashing
import Diagnosis
import MessagePassing
import Networks

// check-layers: raw memory, because tensors are sent and checksummed where they lie.

extension Communicator {
  /// Copies the root's tensors to every rank: initial weights, or what a checkpoint held. Collective.
  public func broadcast(_ arenas: [ParameterArena], root: Int = 0) throws {
    for arena in arenas {
      try broadcast(UnsafeMutableRawBufferPointer(arena.storage.all), root: root)
    }
  }

  /// Copies the root's weights, moving statistics and optimiser's state to every rank. Collective.
  public func broadcast(_ replica: Replica, optimizer: any Optimizer, root: Int = 0) throws {
    try broadcast([replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena), root: root)
    optimizer.steps = try broadcast([optimizer.steps], root: root)[0]
  }

  /// Throws on all ranks when any tensor differs between ranks in any bit, naming the tensor and the ranks.
  /// Replicas that have drifted apart go on training without a sign, and wrongly. Collective.
  ///
  /// - Parameter when: what was being done, for the message, such as "after step 120".
  public func checkReplicasAgree(_ arenas: [ParameterArena], when: String) throws {
    let own = arenas.flatMap(\.checksums)
    let all = try allgather(own)
    guard let failure = disagreement(all, names: arenas.flatMap(\.names), when: when) else { return }
    // Every rank has seen the same checksums.
    try agree { throw failure }
  }

  private func disagreement(_ checksums: [[UInt64]], names: [String], when: String) -> Failure? {
    for (index, name) in names.enumerated() {
      let column = checksums.map { $0.indices.contains(index) ? $0[index] : nil }
      let counts = Dictionary(grouping: column, by: { $0 }).mapValues(\.count)
      guard counts.count > 1, let most = counts.values.max() else { continue }
      // The value most ranks have is taken as right; rank 0's where two are as frequent.
      let right = counts[column[0]] == most ? column[0] : counts.first { $0.value == most }?.key ?? column[0]
      let wrong = column.indices.filter { column[$0] != right }
      let ranks = wrong.prefix(8).map(String.init).joined(separator: ", ")
      return Failure(
        .fault,
        "replicas differ \(when): \(name) of rank \(ranks)\(wrong.count > 8 ? ", …" : "") is not what the "
          + "\(column.count - wrong.count) other rank(s) have",
        remedy: "go on from the last checkpoint with --resume; if it happens again on the same node, suspect its "
          + "memory, or a program built for another processor")
    }
    return nil
  }
}

extension ParameterArena {
  /// A number for each tensor that any changed bit changes, padding included.
  var checksums: [UInt64] {
    placements.map { placement in
      let tensor = storage.all[placement.offset..<placement.offset + placement.paddedCount]
      var hash = ContentHash()
      hash.append(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: tensor)))
      return hash.value
    }
  }
}
