import Diagnosis
import Foundation

/// The in-process twin of `MPICommunicator`: ranks are threads, so that everything above can be tested for any
/// world size without a launcher.
///
/// It is stricter than MPI: ranks that call different collectives, or the same one with other counts, get a
/// `Failure` instead of a hang; so do ranks that wait for one that has ended or thrown. Sums are taken in the
/// order of ranks.
public final class InProcessCommunicator: Communicator {
  public let rank: Int
  public let size: Int
  public let hostName = ProcessInfo.processInfo.hostName
  public let layout: NodeLayout
  private var queues = 0
  private var memories = 0

  private let exchange: ThreadExchange
  private let onAbort: @Sendable (Int32) -> Void

  init(rank: Int, layout: NodeLayout, exchange: ThreadExchange, onAbort: @escaping @Sendable (Int32) -> Void) {
    self.rank = rank
    self.layout = layout
    self.size = exchange.size
    self.exchange = exchange
    self.onAbort = onAbort
  }

  /// Runs the body on `size` threads, each with its own rank, and returns their results by rank.
  ///
  /// When ranks throw, the others are released with an error, and the error of the lowest rank that threw for
  /// a reason of its own is thrown here.
  ///
  /// - Parameters:
  ///   - size: how many ranks there are.
  ///   - ranksPerNode: how many ranks count as one node; nil: all.
  ///   - body: what each rank does, given its own communicator.
  public static func run<Value: Sendable>(
    size: Int, ranksPerNode: Int? = nil, _ body: @escaping @Sendable (InProcessCommunicator) throws -> Value
  ) throws -> [Value] {
    let exchange = ThreadExchange(size: size)
    let layout = NodeLayout(size: size, ranksPerNode: ranksPerNode ?? size)
    let outcomes = Outcomes<Value>(size: size)
    for rank in 0..<size {
      let end = { @Sendable (outcome: Result<Value, any Error>) in
        exchange.leave(rank)
        outcomes.set(outcome, rank: rank)
      }
      let thread = Thread {
        let communicator = InProcessCommunicator(rank: rank, layout: layout, exchange: exchange) { exitCode in
          end(.failure(Failure(.fault, "rank \(rank) aborted the job with exit code \(exitCode)")))
        }
        end(Result { try body(communicator) })
      }
      thread.stackSize = 16 << 20
      thread.start()
    }
    return try outcomes.wait(exchange)
  }

  // MARK: Collectives

  public func barrier() throws {
    _ = try gatherAll("barrier", [])
  }

  public func broadcast(_ values: UnsafeMutableRawBufferPointer, root: Int) throws {
    let sent = rank == root ? [UInt8](values) : []
    let all = try gatherAll("broadcast of \(values.count) bytes from rank \(root)", sent)
    if rank != root { values.copyBytes(from: all[root]) }
  }

  public func allreduce<Number: ReducibleNumber>(
    _ values: UnsafeMutableBufferPointer<Number>, _ reduction: Reduction
  ) throws {
    let all = try gatherAll(
      "allreduce (\(reduction.rawValue)) of \(values.count) \(Number.numberType.rawValue) numbers",
      [UInt8](UnsafeRawBufferPointer(values)))
    for (rank, bytes) in all.enumerated() {
      for index in values.indices {
        let next: Number = Self.number(bytes, index)
        values[index] = rank == 0 ? next : reduction.combine(values[index], next)
      }
    }
  }

  public func gather(_ bytes: UnsafeRawBufferPointer, root: Int) throws -> [[UInt8]]? {
    let all = try gatherAll("gather on rank \(root)", [UInt8](bytes))
    return rank == root ? all : nil
  }

  public func allgather(_ bytes: UnsafeRawBufferPointer) throws -> [[UInt8]] {
    try gatherAll("allgather", [UInt8](bytes))
  }

  public func makeNodeMemory(bytes: Int, ofEach: Int) throws -> NodeMemory? {
    memories += 1
    let node = layout.nodeOfRank[rank]
    let memory = exchange.nodeMemory(node: node, number: memories, bytes: bytes)
    try barrier()
    return memory
  }

  public func makeMessageQueue() throws -> any MessageQueue {
    queues += 1
    return ThreadMessageQueue(exchange.mailboxes, rank: rank, queue: queues)
  }

  public func checkOthers() throws { try exchange.checkNobodyHasLeft(rank) }

  /// Releases the other ranks with an error and stops this thread for good. The results of `run` then name it.
  public func abort(exitCode: Int32) -> Never {
    onAbort(exitCode)
    while true { sleep(3600) }
  }

  private static func number<Number: ReducibleNumber>(_ bytes: [UInt8], _ index: Int) -> Number {
    bytes.withUnsafeBytes {
      $0.loadUnaligned(fromByteOffset: index * MemoryLayout<Number>.stride, as: Number.self)
    }
  }

  private func gatherAll(_ call: String, _ bytes: [UInt8]) throws -> [[UInt8]] {
    try exchange.exchange(rank, call, bytes)
  }
}

/// The results of the ranks' threads, for the thread that waits for them all.
private final class Outcomes<Value: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var results: [Result<Value, any Error>?]

  init(size: Int) { results = Array(repeating: nil, count: size) }

  func set(_ result: Result<Value, any Error>, rank: Int) {
    condition.withLock {
      results[rank] = result
      condition.broadcast()
    }
  }

  /// The ranks' results, or the error of the lowest rank that was not merely released by the exchange.
  func wait(_ exchange: ThreadExchange) throws -> [Value] {
    let finished = condition.withLock {
      while results.contains(where: { $0 == nil }) { condition.wait() }
      return results.compactMap { $0 }
    }
    let failed = finished.indices.filter { finished[$0].isFailure }
    if let first = failed.first(where: { !exchange.wasReleased($0) }) { _ = try finished[first].get() }
    return try finished.map { try $0.get() }
  }
}

extension Reduction {
  fileprivate func combine<Number: ReducibleNumber>(_ first: Number, _ second: Number) -> Number {
    switch self {
    case .sum: Number.wrappingSum(first, second)
    case .minimum: min(first, second)
    case .maximum: max(first, second)
    }
  }
}

extension Result {
  fileprivate var isFailure: Bool { if case .failure = self { true } else { false } }
}
