/// A group of ranks that talk to one another: MPI's world, or its in-process twin for tests.
///
/// Every throwing method but `checkOthers` is collective: all ranks of the group call it, in the same order. Errors are thrown as
/// `Failure`; after an error the group is unusable and the job must end (see `abort`).
public protocol Communicator: AnyObject {
  /// This process's number, from 0.
  var rank: Int { get }
  /// World size: how many ranks there are.
  var size: Int { get }
  /// The node's name as the operating system tells it.
  var hostName: String { get }
  /// Which ranks share a node's memory.
  var layout: NodeLayout { get }
  /// MPI's world, where these ranks are joined by it: what other libraries that use MPI need, such as HDF5.
  var world: MPICommunicator? { get }

  /// Returns when every rank has called it (MPI 4.0, section 6.3).
  func barrier() throws

  /// As `barrier`, where ranks may have to wait for long: they sleep between looks. MPI's own waiting keeps a processor busy,
  /// which on a full node those need that are waited for, and the processes that read ahead. A rank may leave
  /// some tens of microseconds after another, so that nothing is timed from here on.
  func waitForAll() throws

  /// Copies the root's values to every rank; counts are equal on all ranks (MPI_Bcast).
  func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws

  /// Replaces each rank's values by their combination over all ranks, the same to the last bit everywhere
  /// (MPI_Allreduce). Counts are equal on all ranks.
  func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction) throws

  /// The bytes of every rank, by rank, on the root; nil elsewhere. Counts may differ (MPI_Gatherv).
  func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]?

  /// The bytes of every rank, by rank, on every rank. Counts may differ (MPI_Allgatherv).
  func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]]

  /// Memory that this node's ranks share, zeros at first; nil on all ranks alike where any node has no room for it.
  /// Collective over all ranks, each of a node asking for as much (MPI_Win_allocate_shared).
  ///
  /// - Parameters:
  ///   - bytes: of all of it.
  ///   - ofEach: it begins with so many bytes of each rank of the node, which that rank is the first to touch: they come to lie
  ///     in the memory of its own processor.
  func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory?

  /// Messages between single ranks. Collective.
  func makeMessageQueue() throws -> any MessageQueue

  /// Throws where a rank that is waited for can be known never to come. Not collective.
  func checkOthers() throws

  /// Runs what makes this rank wait for others outside these methods, such as the writing of one file by all ranks:
  /// where the communicator is watched, the watch tells of a long wait. `what` names it in the warning.
  func waiting<Value>(in what: String, _ body: () throws -> Value) rethrows -> Value

  /// Ends the whole job at once with this exit code (MPI_Abort). Does not return.
  func abort(exitCode: Int32) -> Never
}

extension Communicator {
  public func waitForAll() throws { try barrier() }

  public var world: MPICommunicator? { nil }

  /// Memory that this node's ranks share, no part of which is one rank's. Collective.
  public func makeNodeMemory(bytes: Int) throws -> NodeMemory? { try makeNodeMemory(bytes: bytes, ofEach: 0) }

  public func checkOthers() throws {}

  public func waiting<Value>(in what: String, _ body: () throws -> Value) rethrows -> Value { try body() }

  /// Rank 0 alone speaks and writes.
  public var isRoot: Bool { rank == 0 }

  /// `rank 3 on node17`, for messages.
  public var place: String { "rank \(rank) on \(hostName)" }
}
