import CMPI
import Diagnosis
import Foundation

/// MPI's world, as a private duplicate, so that no library's messages meet ours.
///
/// MPI is started with `MPI_THREAD_FUNNELED`: the thread that called `start` makes every call. Errors come back
/// as codes (`MPI_ERRORS_RETURN`) and are thrown as `Failure` with MPI's own words.
public final class MPICommunicator: Communicator {
  public let rank: Int
  public let size: Int
  public let hostName: String
  public let layout: NodeLayout
  public var world: MPICommunicator? { self }

  /// The private communicator, for parallel HDF5.
  package let handle: MPI_Comm
  /// The ranks that share memory with this one.
  let nodeHandle: MPI_Comm
  /// What is given back at the end, in the order in which all ranks have made it.
  var windows: [MPI_Win?] = []
  var duplicates: [MPI_Comm?] = []

  /// The most elements one MPI call is given: counts are C `int`, so longer buffers go in pieces.
  package var largestCount = 1 << 30

  // One thread starts MPI and uses it (FUNNELED), which is what makes this variable safe.
  nonisolated(unsafe) private static var running: MPICommunicator?

  /// Starts MPI, once for the process; later calls return the same communicator.
  ///
  /// A process without a launcher becomes a world of one. Throws when MPI cannot start, or when it is at odds
  /// with its launcher (see `LaunchEnvironment.check`).
  public static func start() throws -> MPICommunicator {
    if let running { return running }
    let environment = LaunchEnvironment.current
    try environment.checkConnection()
    if environment.isAlone {
      // Open MPI need not prepare for spawning others, nor insist on srun's way of connecting them.
      setenv("OMPI_MCA_ess_singleton_isolated", "1", 0)
      // All programs that run alone would share one folder for their temporary files, which the first to end takes
      // away from the others. It is only wanted for file pointers that several processes share.
      setenv("OMPI_MCA_orte_create_session_dirs", "0", 0)
      setenv("OMPI_MCA_sharedfp", "^sm", 0)
      for variable in ["SLURM_STEP_ID", "SLURM_STEPID"] { unsetenv(variable) }
    }
    var started: Int32 = 0
    try Self.check(MPI_Initialized(&started), "MPI_Initialized")
    if started == 0 {
      var provided: Int32 = 0
      try Self.check(MPI_Init_thread(nil, nil, Int32(MPI_THREAD_FUNNELED), &provided), "MPI_Init_thread")
      guard provided >= MPI_THREAD_FUNNELED else {
        throw Failure(
          .fault, "this MPI library was built without thread support (level \(provided))",
          remedy: "use one that offers MPI_THREAD_FUNNELED")
      }
    }
    let communicator = try MPICommunicator()
    running = communicator
    try environment.check(worldSize: communicator.size)
    return communicator
  }

  private init() throws {
    try Self.check(
      MPI_Comm_set_errhandler(crnn_mpi_comm_world(), crnn_mpi_errors_return()), "MPI_Comm_set_errhandler")
    var duplicate: MPI_Comm? = crnn_mpi_comm_null()
    try Self.check(MPI_Comm_dup(crnn_mpi_comm_world(), &duplicate), "MPI_Comm_dup")
    guard let duplicate else { throw Failure(.fault, "MPI_Comm_dup gave no communicator") }
    handle = duplicate
    try Self.check(MPI_Comm_set_errhandler(handle, crnn_mpi_errors_return()), "MPI_Comm_set_errhandler")
    (rank, size) = try Self.rankAndSize(of: handle)

    let node = try Self.split(handle, rank)
    let nodeRank = try Self.rankAndSize(of: node).0
    (nodeHandle, layout) = try Self.layout(handle, node, rank: rank, nodeRank: nodeRank, size: size)

    hostName = ProcessInfo.processInfo.hostName
  }

  /// The ranks of this one's node.
  private static func split(_ handle: MPI_Comm, _ rank: Int) throws -> MPI_Comm {
    var node: MPI_Comm? = crnn_mpi_comm_null()
    try check(
      MPI_Comm_split_type(handle, Int32(MPI_COMM_TYPE_SHARED), Int32(rank), crnn_mpi_info_null(), &node),
      "MPI_Comm_split_type")
    guard let node else { throw Failure(.fault, "MPI_Comm_split_type gave no communicator") }
    return node
  }

  /// The ranks that share memory with this one, fewer than a node's where the environment says so; and where all are.
  private static func layout(
    _ handle: MPI_Comm, _ node: MPI_Comm, rank: Int, nodeRank: Int, size: Int
  ) throws -> (MPI_Comm, NodeLayout) {
    var shared: MPI_Comm? = node
    if let most = NodeLayout.ranksPerNode(of: ProcessInfo.processInfo.environment) {
      try check(MPI_Comm_split(node, Int32(nodeRank / most), Int32(rank), &shared), "MPI_Comm_split")
      var released: MPI_Comm? = node
      try check(MPI_Comm_free(&released), "MPI_Comm_free")
    }
    guard let shared else { throw Failure(.fault, "MPI_Comm_split gave no communicator") }
    try check(MPI_Comm_set_errhandler(shared, crnn_mpi_errors_return()), "MPI_Comm_set_errhandler")
    var lowest = Int64(rank)
    try check(MPI_Bcast(&lowest, 1, crnn_mpi_int64(), 0, shared), "MPI_Bcast")
    var all = [Int64](repeating: 0, count: size)
    try check(MPI_Allgather(&lowest, 1, crnn_mpi_int64(), &all, 1, crnn_mpi_int64(), handle), "MPI_Allgather")
    return (shared, NodeLayout(lowestRanks: all.map(Int.init)))
  }

  static func rankAndSize(of communicator: MPI_Comm) throws -> (Int, Int) {
    var rank: Int32 = 0
    var size: Int32 = 0
    try check(MPI_Comm_rank(communicator, &rank), "MPI_Comm_rank")
    try check(MPI_Comm_size(communicator, &size), "MPI_Comm_size")
    return (Int(rank), Int(size))
  }

  /// Ends MPI for this process (MPI_Finalize): collective, and the last call of all.
  public func finish() {
    guard Self.running === self else { return }
    Self.running = nil
    for var window in windows { MPI_Win_free(&window) }
    for var duplicate in duplicates { MPI_Comm_free(&duplicate) }
    var node: MPI_Comm? = nodeHandle
    MPI_Comm_free(&node)
    var released: MPI_Comm? = handle
    MPI_Comm_free(&released)
    MPI_Finalize()
  }

  /// Ends MPI when it was started, for a process that gives up before it had the communicator.
  static func finishRunning() { running?.finish() }

  public func abort(exitCode: Int32) -> Never {
    MPI_Abort(crnn_mpi_comm_world(), exitCode)
    _exit(exitCode)
  }

  // MARK: Collectives

  public func barrier() throws {
    try check(MPI_Barrier(handle), "MPI_Barrier")
  }

  public func waitForAll() throws {
    var request: MPI_Request?
    try check(MPI_Ibarrier(handle, &request), "MPI_Ibarrier")
    var isOver: Int32 = 0
    var backoff = Backoff()
    while true {
      try check(MPI_Test(&request, &isOver, crnn_mpi_status_ignore()), "MPI_Test")
      if isOver != 0 { return }
      backoff.pause()
    }
  }

  public func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws {
    try forEachPiece(of: values.count) { piece in
      try check(
        MPI_Bcast(
          values.baseAddress! + piece.lowerBound, Int32(piece.count), crnn_mpi_byte(), Int32(root), handle),
        "MPI_Bcast")
    }
  }

  public func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws {
    guard size > 1 else { return }
    try forEachPiece(of: values.count) { piece in
      try check(
        MPI_Allreduce(
          crnn_mpi_in_place(), values.baseAddress! + piece.lowerBound, Int32(piece.count),
          Number.numberType.handle, reduction.handle, handle),
        "MPI_Allreduce")
    }
  }

  public func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]? {
    let rounds = try gatherRounds(bytes.count)
    var gathered = rank == root ? rounds.emptyArrays : nil
    try rounds.run { counts, displacements, total, start in
      var received = [UInt8](repeating: 0, count: rank == root ? total : 0)
      try check(
        MPI_Gatherv(
          bytes.baseAddress.map { $0 + start }, counts[rank], crnn_mpi_byte(), &received, counts, displacements,
          crnn_mpi_byte(), Int32(root), handle),
        "MPI_Gatherv")
      gathered?.append(received, counts: counts, displacements: displacements)
    }
    return gathered
  }

  public func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    let rounds = try gatherRounds(bytes.count)
    var gathered = rounds.emptyArrays
    try rounds.run { counts, displacements, total, start in
      var received = [UInt8](repeating: 0, count: total)
      try check(
        MPI_Allgatherv(
          bytes.baseAddress.map { $0 + start }, counts[rank], crnn_mpi_byte(), &received, counts, displacements,
          crnn_mpi_byte(), handle),
        "MPI_Allgatherv")
      gathered.append(received, counts: counts, displacements: displacements)
    }
    return gathered
  }

  /// Tells every rank how many bytes each will send, and divides them into rounds MPI's counts can express.
  private func gatherRounds(_ count: Int) throws -> GatherRounds {
    var own = Int64(count)
    var lengths = [Int64](repeating: 0, count: size)
    try check(
      MPI_Allgather(&own, 1, crnn_mpi_int64(), &lengths, 1, crnn_mpi_int64(), handle), "MPI_Allgather")
    return GatherRounds(lengths: lengths.map(Int.init), rank: rank, bytesARound: max(1, largestCount / size))
  }

  private func forEachPiece(of count: Int, _ body: (Range<Int>) throws -> Void) throws {
    var start = 0
    while start < count {
      let end = min(count, start + largestCount)
      try body(start..<end)
      start = end
    }
  }

  // MARK: Errors

  private func check(_ code: Int32, _ call: String) throws {
    try Self.check(code, call)
  }

  /// Throws MPI's own description of an error code (MPI 4.0, section 9.4).
  static func check(_ code: Int32, _ call: String) throws {
    guard code != MPI_SUCCESS else { return }
    var text = [UInt8](repeating: 0, count: Int(MPI_MAX_ERROR_STRING) + 1)
    var length: Int32 = 0
    let found = text.withUnsafeMutableBytes { buffer in
      MPI_Error_string(code, buffer.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
    }
    let words =
      found == MPI_SUCCESS ? String(decoding: text.prefix(Int(length)), as: UTF8.self) : "error code \(code)"
    throw Failure(.fault, "\(call) failed: \(words)", remedy: "see the MPI library's messages above, if any")
  }

  /// The MPI library's own name and version, on one line.
  public static var libraryVersion: String {
    var text = [UInt8](repeating: 0, count: Int(MPI_MAX_LIBRARY_VERSION_STRING) + 1)
    var length: Int32 = 0
    let code = text.withUnsafeMutableBytes { buffer in
      MPI_Get_library_version(buffer.baseAddress?.assumingMemoryBound(to: CChar.self), &length)
    }
    guard code == MPI_SUCCESS else { return "unknown" }
    let words = String(decoding: text.prefix(Int(length)).filter { $0 != 0 }, as: UTF8.self)
    return words.replacingOccurrences(of: "\n", with: " ")
  }
}

extension NumberType {
  fileprivate var handle: MPI_Datatype {
    switch self {
    case .float: crnn_mpi_float()
    case .double: crnn_mpi_double()
    case .int32: crnn_mpi_int32()
    case .int64: crnn_mpi_int64()
    case .uint32: crnn_mpi_uint32()
    case .uint64: crnn_mpi_uint64()
    }
  }
}

extension Reduction {
  fileprivate var handle: MPI_Op {
    switch self {
    case .sum: crnn_mpi_sum()
    case .minimum: crnn_mpi_min()
    case .maximum: crnn_mpi_max()
    }
  }
}
