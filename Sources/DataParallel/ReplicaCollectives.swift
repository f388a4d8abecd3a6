import MessagePassing
import Networks

extension GradientReduction {
  /// After a replica's pass, makes its gradients the global batch's, and its batch statistics the same on all
  /// ranks. Collective, also for ranks without songs.
  ///
  /// - Parameter statisticsAreShared: whether the pass used `SynchronousStatistics`, so that the batch
  ///   statistics are equal already; else they become their mean over songs.
  public func reduce(
    _ replica: Replica, localSongs: Int, globalSongs: Int, statisticsAreShared: Bool
  ) throws {
    try sum(replica.gradients)
    if !statisticsAreShared {
      try mean(replica.batchStatistics, localSongs: localSongs, globalSongs: globalSongs)
    }
  }
}

extension Communicator {
  /// Copies the root's weights and moving statistics to every rank, and its optimiser's state where there is
  /// one. Collective.
  public func broadcast(_ replica: Replica, optimizer: (any Optimizer)? = nil, root: Int = 0) throws {
    try broadcast([replica.parameters, replica.movingStatistics], root: root)
    guard let optimizer else { return }
    try broadcast(optimizer.state.map(\.arena), root: root)
    optimizer.steps = try broadcast([optimizer.steps], root: root)[0]
  }

  /// Throws on all ranks when weights, moving statistics or the optimiser's state differ between ranks in any
  /// bit, naming the tensor and the ranks. Collective.
  public func checkReplicasAgree(
    _ replica: Replica, optimizer: (any Optimizer)? = nil, when: String
  ) throws {
    let own =
      [OptimizerState("weights", replica.parameters)]
      + [OptimizerState("moving statistics", replica.movingStatistics)] + (optimizer?.state ?? [])
    for part in own {
      let what = part.name.replacing("_", with: " ")
      try checkReplicasAgree([part.arena], when: "\(when) (\(what))")
    }
  }
}
