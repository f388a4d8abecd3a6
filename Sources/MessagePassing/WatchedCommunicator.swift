/// Another communicator with a stall watch over every collective.
///
///     let communicator = WatchedCommunicator(try MPICommunicator.start())
///     try SnapshotPreparation.run(options, output: "songs.h5", communicator: communicator)
public final class WatchedCommunicator: Communicator {
  private let base: any Communicator
  /// Watches this rank.
  public let watch: StallWatch

  public init(_ base: any Communicator, watch: StallWatch? = nil) {
    self.base = base
    self.watch = watch ?? StallWatch(place: base.place)
  }

  public var rank: Int { base.rank }
  public var size: Int { base.size }
  public var hostName: String { base.hostName }
  public var layout: NodeLayout { base.layout }
  public var world: MPICommunicator? { base.world }

  public func barrier() throws {
    try watch.waiting(in: "barrier") { try base.barrier() }
  }

  public func waitForAll() throws {
    try watch.waiting(in: "wait for all ranks") { try base.waitForAll() }
  }

  public func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws {
    try watch.waiting(in: "broadcast of \(values.count) bytes from rank \(root)") {
      try base.broadcast(values, root: root)
    }
  }

  public func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws {
    try watch.waiting(in: "allreduce of \(values.count) numbers") { try base.allreduce(values, reduction) }
  }

  public func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]? {
    try watch.waiting(in: "gather of \(bytes.count) bytes on rank \(root)") { try base.gather(bytes, root: root) }
  }

  public func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    try watch.waiting(in: "allgather of \(bytes.count) bytes") { try base.allgather(bytes) }
  }

  public func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory? {
    try watch.waiting(in: "allocation of \(bytes) bytes that a node shares") {
      try base.makeNodeMemory(bytes: bytes, ofEach: ofEach)
    }
  }

  public func makeMessageQueue() throws -> any MessageQueue {
    try watch.waiting(in: "duplication of a communicator") { try base.makeMessageQueue() }
  }

  public func checkOthers() throws { try base.checkOthers() }

  public func waiting<Value>(in what: String, _ body: () throws -> Value) rethrows -> Value {
    try watch.waiting(in: what, body)
  }

  public func abort(exitCode: Int32) -> Never { base.abort(exitCode: exitCode) }
}
