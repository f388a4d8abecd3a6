import CMPI
import Diagnosis
import Foundation

// check-layers: raw memory, because it is what processes share.

extension MPICommunicator {
  public func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory? {
    // The library backs the memory by a file in memory, and whoever writes beyond what there is room for is killed.
    // It may begin the memory anywhere in its own, at eight bytes of sixteen too, and vectors are read at their boundaries.
    let wanted = bytes + NodeMemory.boundary
    let hasRoom = wanted + Self.spare <= Self.sharedRoom
    guard try allreduce(hasRoom ? 1 : 0, .minimum) == 1 else { return nil }
    let own = MPI_Aint(layout.isSpeaker(rank) ? wanted : 0)
    var window: MPI_Win?
    var start: UnsafeMutableRawPointer?
    let code = MPI_Win_allocate_shared(own, 1, crnn_mpi_info_null(), nodeHandle, &start, &window)
    // Some ways of passing messages have no shared memory to offer (Open MPI's osc/ucx).
    guard try allreduce(code == MPI_SUCCESS ? 1 : 0, .minimum) == 1 else {
      if code == MPI_SUCCESS { MPI_Win_free(&window) }
      return nil
    }
    windows.append(window)
    var size = MPI_Aint()
    var unit: Int32 = 0
    try Self.check(MPI_Win_shared_query(window, 0, &size, &unit, &start), "MPI_Win_shared_query")
    guard let start, size >= wanted else { throw Failure(.fault, "MPI_Win_shared_query gave no memory") }
    // Every rank sees the memory at an address of its own, but all begin at a page's, so the same byte is first for all.
    let first = start.alignedUp(toMultipleOf: NodeMemory.boundary)
    let common = ofEach * layout.neighbours(of: rank).count
    if own > 0 { memset(first + common, 0, bytes - common) }
    if let place = layout.neighbours(of: rank).firstIndex(of: rank) { memset(first + place * ofEach, 0, ofEach) }
    // Nobody looks before there are zeros.
    try barrier()
    return NodeMemory(bytes: UnsafeMutableRawBufferPointer(start: first, count: bytes))
  }

  /// Bytes that others may want of the same room meanwhile.
  private static let spare = 16 << 20

  /// Bytes that are free where the library puts shared memory.
  private static var sharedRoom: Int {
    var room = statvfs()
    guard statvfs("/dev/shm", &room) == 0 else { return .max }
    return Int(room.f_bavail) * Int(room.f_frsize)
  }

  public func makeMessageQueue() throws -> any MessageQueue {
    var duplicate: MPI_Comm?
    try Self.check(MPI_Comm_dup(handle, &duplicate), "MPI_Comm_dup")
    guard let duplicate else { throw Failure(.fault, "MPI_Comm_dup gave no communicator") }
    try Self.check(MPI_Comm_set_errhandler(duplicate, crnn_mpi_errors_return()), "MPI_Comm_set_errhandler")
    duplicates.append(duplicate)
    return MPIMessageQueue(duplicate)
  }
}
