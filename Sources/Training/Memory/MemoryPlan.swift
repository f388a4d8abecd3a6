import Diagnosis
import Foundation
import Kernels
import Networks

/// What a rank will take, by what it is for: computed before any of it is taken.
public struct MemoryPlan: Sendable, Equatable, Codable {
  /// What memory is for.
  public enum Part: String, Sendable, Codable, CaseIterable {
    case activations
    case gradients
    case weights
    case optimizer = "optimiser"
    case songs
    case batches
    case checkpoint
    case rates = "rates of the machine"
    /// What libraries, threads and messages take beside.
    case program
  }

  /// A part with what it takes.
  public struct Entry: Sendable, Equatable, Codable {
    public let part: Part
    public let memory: MemoryCount
  }

  public private(set) var entries: [Entry] = []

  public init() {}

  /// What libraries and threads take in the course of a run, as measured: most of it are addresses that are never used,
  /// such as the product library's room for panels, and of each thread its stack and 64 MiB that the allocator reserves.
  /// They must be there all the same: the product library waits for ever for what it is refused.
  package mutating func addProgram(threads: Int) {
    let (ofThreads, overflows) = (threads - 1).multipliedReportingOverflow(by: 72 << 20)
    let program = MemoryCount(bytes: 16 << 20, addressSpace: 256 << 20)
    add(.program, program + MemoryCount(addressSpace: overflows ? .max : ofThreads))
  }

  package mutating func add(_ part: Part, _ memory: MemoryCount) {
    entries.append(Entry(part: part, memory: memory))
  }

  /// All that something else takes.
  mutating func add(_ other: MemoryPlan) { entries += other.entries }

  /// Bytes that are in no buffer of a network.
  package mutating func add(_ part: Part, bytes: Int) { add(part, MemoryCount(bytes: bytes, addressSpace: bytes)) }

  /// A replica that is to be trained.
  package mutating func add(_ replica: ReplicaMemory) {
    add(.activations, replica.activations)
    add(.gradients, replica.gradients)
    add(.weights, replica.weights)
  }

  /// A replica that only predicts: nothing is ever written to its gradients, so that they have addresses, but no memory.
  package mutating func add(predicting replica: ReplicaMemory) {
    add(.activations, replica.activations)
    add(.weights, replica.weights)
    add(.gradients, MemoryCount(addressSpace: replica.gradients.addressSpace))
  }

  func has(_ part: Part) -> Bool { entries.contains { $0.part == part && $0.memory.bytes > 0 } }

  public var total: MemoryCount { entries.reduce(MemoryCount()) { $0 + $1.memory } }

  /// The parts, the largest first: `activations 0.31 GiB, songs 20.4 MiB`.
  /// - Parameter measure: bytes, or address space.
  func partsInWords(_ measure: KeyPath<MemoryCount, Int>) -> String {
    entries.map { (part: $0.part, size: $0.memory[keyPath: measure]) }
      .filter { $0.size > 0 }.sorted { $0.size > $1.size }
      .map { "\($0.part.rawValue) \(inBinaryUnits($0.size))" }.joined(separator: ", ")
  }

  /// `0.49 GiB (activations 0.31 GiB, songs 20.4 MiB)`.
  public var inWords: String { "\(inBinaryUnits(total.bytes)) (\(partsInWords(\.bytes)))" }
}
