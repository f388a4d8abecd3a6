import DataParallel
import Kernels
import MessagePassing
import Networks

/// The most that a rank's replica is to take at once.
struct ReplicaRoom {
  let songs: Int
  /// Of all of them together.
  let segments: Int
}

extension RunConfiguration {
  /// What training this network takes of a rank: its replica and its optimiser.
  /// - Throws: `usage` for a batch of more than a rank can have.
  func trainingMemory(
    _ network: Network, _ room: ReplicaRoom, threads: Int, _ communicator: any Communicator
  ) throws -> MemoryPlan {
    var plan = MemoryPlan()
    var replica = try Replica.plannedMemory(network, maximumBatch: room.songs, maximumSegments: room.segments)
    if let bytes = ReplicaExchange.plannedBytes(communicator, network, exchangeOptions) {
      replica.gradients = MemoryCount(bytes: bytes, addressSpace: bytes)
    }
    plan.add(replica)
    if parts > 1 {
      plan.add(.gradients, bytes: (network.gradientLayout.count + network.nonTrainableParameters) * 8)
    }
    plan.add(.optimizer, optimizerType.plannedMemory(optimizerSettings, for: network))
    plan.addProgram(threads: threads)
    return plan
  }
}

extension MemoryPlan {
  /// Batches of songs, `[song][segment][feature][12]` with their tags, that are in memory at once.
  /// - Parameter ofSong: numbers and targets of a song beside its segments.
  mutating func add(batches: Int, of room: ReplicaRoom, width: Int, ofSong: Int) {
    add(.batches, bytes: batches * (room.segments * width + room.songs * ofSong) * MemoryLayout<Float>.stride)
  }

  /// The copy that rank 0 makes of a run's state for a checkpoint, and the file made of it. Both are kept for the next.
  mutating func addCheckpoint() {
    let state = entries.filter { [.weights, .optimizer].contains($0.part) }.reduce(0) { $0 + $1.memory.bytes }
    add(.checkpoint, bytes: 2 * state)
  }
}
