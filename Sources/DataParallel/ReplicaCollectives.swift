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
  /// Copies the root's weights, moving statistics and optimiser's state to every rank. Collective.
  public func broadcast(_ replica: Replica, optimizer: any Optimizer, root: Int = 0) throws {
    try broadcast([replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena), root: root)
    optimizer.steps = try broadcast([optimizer.steps], root: root)[0]
  }
}
