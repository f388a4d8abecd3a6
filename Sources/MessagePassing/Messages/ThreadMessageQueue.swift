import Diagnosis
import Foundation

// check-layers: raw memory, because messages go from where they lie to where they are wanted.

/// Messages between threads, for tests: a message is copied when it is sent, and taken when it is polled for.
final class ThreadMessageQueue: MessageQueue {
  private struct Expected {
    let address: ThreadMailboxes.Address
    let bytes: UnsafeMutableRawBufferPointer
    let number: Int
  }

  private let mailboxes: ThreadMailboxes
  private let rank: Int
  private let queue: Int
  private var expected: [Expected] = []
  private var sent: [Int] = []

  /// - Parameter queue: tells queues of one group of ranks from one another.
  init(_ mailboxes: ThreadMailboxes, rank: Int, queue: Int) {
    self.mailboxes = mailboxes
    self.rank = rank
    self.queue = queue
  }

  var count: Int { expected.count + sent.count }

  func send(_ bytes: UnsafeRawBufferPointer, to rank: Int, tag: Int, number: Int) {
    mailboxes.put([UInt8](bytes), .init(queue: queue, from: self.rank, to: rank, tag: tag))
    sent.append(number)
  }

  func receive(_ bytes: UnsafeMutableRawBufferPointer, from rank: Int, tag: Int, number: Int) {
    let address = ThreadMailboxes.Address(queue: queue, from: rank, to: self.rank, tag: tag)
    expected.append(Expected(address: address, bytes: bytes, number: number))
  }

  func poll() throws -> [Int] {
    var ended = sent
    sent = []
    var waiting: [Expected] = []
    // Of several with one address the first must not be overtaken.
    var blocked: Set<ThreadMailboxes.Address> = []
    for each in expected {
      guard !blocked.contains(each.address), let message = mailboxes.take(each.address) else {
        blocked.insert(each.address)
        waiting.append(each)
        continue
      }
      guard message.count == each.bytes.count else {
        throw Failure(
          .fault, "a message of \(message.count) bytes came where \(each.bytes.count) were expected")
      }
      each.bytes.copyBytes(from: message)
      ended.append(each.number)
    }
    expected = waiting
    return ended
  }
}

/// What threads have sent to one another and nobody has taken yet.
final class ThreadMailboxes: @unchecked Sendable {
  struct Address: Hashable {
    let queue: Int
    let from: Int
    let to: Int
    let tag: Int
  }

  private let lock = NSLock()
  private var messages: [Address: [[UInt8]]] = [:]

  func put(_ message: [UInt8], _ address: Address) {
    lock.withLock { messages[address, default: []].append(message) }
  }

  func take(_ address: Address) -> [UInt8]? {
    lock.withLock {
      guard var waiting = messages[address], !waiting.isEmpty else { return nil }
      let first = waiting.removeFirst()
      messages[address] = waiting
      return first
    }
  }
}
