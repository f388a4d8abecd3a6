/// A group of ranks that talk to one another: MPI's world, or its in-process twin for tests.
///
/// Every method is collective: all ranks of the group call it, in the same order. Errors are thrown as
/// `Failure`; after an error the group is unusable and the job must end (see `abort`).
public protocol Communicator: AnyObject {
  /// This process's number, from 0.
  var rank: Int { get }
  /// World size: how many ranks there are.
  var size: Int { get }

  /// Returns when every rank has called it (MPI 4.0, section 6.3).
  func barrier() throws

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

  /// Ends the whole job at once with this exit code (MPI_Abort). Does not return.
  func abort(exitCode: Int32) -> Never
}

/// How `allreduce` combines values.
public enum Reduction: Sendable {
  case sum
  case minimum
  case maximum
}

/// The numbers that can be combined over ranks.
public protocol ReducibleNumber: Numeric, Comparable, BitwiseCopyable, Sendable {}
extension Float: ReducibleNumber {}
extension Double: ReducibleNumber {}
extension Int32: ReducibleNumber {}
extension Int: ReducibleNumber {}
extension UInt64: ReducibleNumber {}
