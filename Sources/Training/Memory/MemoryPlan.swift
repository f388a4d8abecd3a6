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

  /// Bytes of address space of a thread's stack.
  private static let stack = 8 << 20

  /// What the program takes in the course of a run beside what is planned one by one: docs/training.md has what was
  /// measured.
  package mutating func addProgram(threads: Int) {
    add(.program, MemoryCount(bytes: 16 << 20, addressSpace: (128 << 20) + (threads - 1) * Self.stack))
  }

  package mutating func add(_ part: Part, _ memory: MemoryCount) {
    entries.append(Entry(part: part, memory: memory))
  }

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

  public var total: MemoryCount { entries.reduce(MemoryCount()) { $0 + $1.memory } }

  /// The parts that have memory, the largest first: `activations 0.31 GiB, songs 20.4 MiB`.
  var partsInWords: String {
    entries.filter { $0.memory.bytes > 0 }.sorted { $0.memory.bytes > $1.memory.bytes }
      .map { "\($0.part.rawValue) \(inBinaryUnits($0.memory.bytes))" }.joined(separator: ", ")
  }

  /// `0.49 GiB (activations 0.31 GiB, songs 20.4 MiB)`.
  public var inWords: String { "\(inBinaryUnits(total.bytes)) (\(partsInWords))" }
}
