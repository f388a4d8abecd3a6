import CMPI
import Diagnosis

// check-layers: raw memory, because messages go from where they lie to where they are wanted.

/// Messages of MPI, on a communicator of their own, so that none meets anybody else's.
final class MPIMessageQueue: MessageQueue {
  private let handle: MPI_Comm
  private var requests: [MPI_Request?] = []
  private var numbers: [Int] = []
  private var indices: [Int32] = []
  private var ended: [Int] = []

  /// - Parameter handle: which the queue may use for as long as MPI runs.
  init(_ handle: MPI_Comm) { self.handle = handle }

  var count: Int { requests.count }

  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int, number: Int) throws {
    var request: MPI_Request?
    try MPICommunicator.check(
      MPI_Isend(bytes.baseAddress, Int32(bytes.count), crnn_mpi_byte(), Int32(rank), Int32(tag), handle, &request),
      "MPI_Isend")
    add(request, number)
  }

  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int, number: Int) throws {
    var request: MPI_Request?
    try MPICommunicator.check(
      MPI_Irecv(bytes.baseAddress, Int32(bytes.count), crnn_mpi_byte(), Int32(rank), Int32(tag), handle, &request),
      "MPI_Irecv")
    add(request, number)
  }

  private func add(_ request: MPI_Request?, _ number: Int) {
    requests.append(request)
    numbers.append(number)
    if indices.count < requests.count { indices.append(0) }
  }

  func poll() throws -> [Int] {
    ended.removeAll(keepingCapacity: true)
    guard !requests.isEmpty else { return ended }
    var found: Int32 = 0
    try MPICommunicator.check(
      MPI_Testsome(Int32(requests.count), &requests, &found, &indices, crnn_mpi_statuses_ignore()),
      "MPI_Testsome")
    guard found > 0 else { return ended }
    let places = indices.prefix(Int(found)).map(Int.init).sorted()
    for place in places { ended.append(numbers[place]) }
    for place in places.reversed() {
      requests.remove(at: place)
      numbers.remove(at: place)
    }
    return ended
  }
}
