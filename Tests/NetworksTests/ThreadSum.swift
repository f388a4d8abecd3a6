import Foundation
import Networks

/// Adds up numbers over threads: what an allreduce does over ranks. All parties call `sum` equally often and with
/// equal counts.
final class ThreadSum: BatchStatisticsReduction, @unchecked Sendable {
  private let parties: Int
  private let condition = NSCondition()
  private var total: [Double] = []
  private var arrived = 0
  private var leaving = 0

  init(parties: Int) { self.parties = parties }

  struct UnequalCounts: Error {}
  struct Forsaken: Error {}

  func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    condition.lock()
    defer { condition.unlock() }
    try wait { leaving == 0 }
    if arrived == 0 { total = Array(repeating: 0, count: values.count) }
    guard total.count == values.count else { throw UnequalCounts() }
    for i in values.indices { total[i] += values[i] }
    arrived += 1
    if arrived == parties {
      leaving = parties
      arrived = 0
      condition.broadcast()
    }
    try wait { leaving > 0 }
    for i in values.indices { values[i] = total[i] }
    leaving -= 1
    condition.broadcast()
  }

  private func wait(until isSo: () -> Bool) throws {
    let end = Date(timeIntervalSinceNow: 60)
    while !isSo() {
      guard condition.wait(until: end) else { throw Forsaken() }
    }
  }
}

/// Runs the body once for each number below `count`, each on a thread of its own, and throws the first error.
func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) throws -> Void) throws {
  let outcome = Outcome()
  let threads = (0..<count).map { number in
    Thread {
      do { try body(number) } catch { outcome.failed(error) }
      outcome.group.leave()
    }
  }
  for thread in threads {
    outcome.group.enter()
    thread.stackSize = 8 << 20
    thread.start()
  }
  outcome.group.wait()
  if let error = outcome.firstError { throw error }
}

private final class Outcome: @unchecked Sendable {
  let group = DispatchGroup()
  private let lock = NSLock()
  private var error: (any Error)?

  func failed(_ error: any Error) { lock.withLock { self.error = self.error ?? error } }
  var firstError: (any Error)? { lock.withLock { error } }
}
