// check-layers: raw memory, because messages go from where they lie to where they are wanted.

/// Messages between two ranks that are on their way while both compute. Nothing moves unless it is polled.
///
/// One thread uses a queue, the one that owns MPI. Messages of one sender with one tag arrive in the order in which they
/// were sent.
public protocol MessageQueue: AnyObject {
  /// Starts sending; the bytes must stay as they are until `poll` has told of the number (MPI_Isend).
  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int, number: Int) throws

  /// Starts receiving exactly so many bytes; they are there when `poll` has told of the number (MPI_Irecv).
  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int, number: Int) throws

  /// Moves messages on, and returns the numbers of those that have ended (MPI_Testsome). The array is valid until the
  /// next call.
  func poll() throws -> [Int]

  /// Messages on their way.
  var count: Int { get }
}
