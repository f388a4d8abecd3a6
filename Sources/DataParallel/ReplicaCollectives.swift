import MessagePassing
import Networks

extension Communicator {
  /// Copies the root's weights, moving statistics and optimiser's state to every rank. Collective.
  public func broadcast(_ replica: Replica, optimizer: any Optimizer, root: Int = 0) throws {
    try broadcast([replica.parameters, replica.movingStatistics] + optimizer.state.map(\.arena), root: root)
    optimizer.steps = try broadcast([optimizer.steps], root: root)[0]
  }
}
