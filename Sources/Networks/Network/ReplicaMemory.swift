import Diagnosis
import Kernels

/// What a replica's buffers take, by what they are for.
public struct ReplicaMemory: Sendable, Equatable {
  /// Weights, moving statistics, and the statistics of a batch.
  public var weights: MemoryCount
  /// Gradients, in double precision.
  public var gradients: MemoryCount
  /// What passes leave for one another: maps, their gradients, scratch.
  public var activations: MemoryCount

  package init(
    weights: MemoryCount = MemoryCount(), gradients: MemoryCount = MemoryCount(),
    activations: MemoryCount = MemoryCount()
  ) {
    self.weights = weights
    self.gradients = gradients
    self.activations = activations
  }

  /// Everything.
  public var total: MemoryCount { weights + gradients + activations }

  /// - Throws: `Failure` of kind `fault` where the system refused a buffer.
  func refuseRefused() throws {
    try weights.refuseRefused("weights")
    try gradients.refuseRefused("gradients")
    try activations.refuseRefused("activations")
  }
}

extension MemoryCount {
  /// - Parameter purpose: what the memory is for, for the message.
  /// - Throws: `Failure` of kind `fault` where the system refused a buffer.
  package func refuseRefused(_ purpose: String) throws {
    guard let refusedBytes else { return }
    throw Failure(
      .fault, "\(inBinaryUnits(refusedBytes)) for \(purpose) were refused by the system",
      remedy:
        "use a smaller batch, more nodes or fewer ranks on each, or raise the limits that ulimit -a shows")
  }
}

/// The most that a replica is to take at once.
struct ReplicaSize {
  let songs: Int
  /// Of all of them together.
  let segments: Int

  /// Below these no number of values in any buffer comes near what an `Int` holds: a network has at most 1,024 rows of
  /// 8,192 channels.
  private static let mostSongs = 1 << 26
  private static let mostSegments = 1 << 32

  /// - Throws: `Failure` of kind `usage` for no song, and for more than any machine has memory for.
  init(_ network: Network, maximumBatch: Int, maximumSegments: Int?) throws {
    guard maximumBatch >= 1 else { throw Failure(.usage, "a replica needs at least one song a batch") }
    let (all, overflows) = maximumBatch.multipliedReportingOverflow(by: network.segments)
    let segments = maximumSegments ?? (overflows ? .max : all)
    guard maximumBatch <= Self.mostSongs, segments <= Self.mostSegments else {
      throw Failure(
        .usage,
        "a rank's batch of \(maximumBatch) songs of up to \(network.segments) segments: expected at most "
          + "\(Self.mostSongs) songs and \(Self.mostSegments) segments together",
        remedy: "use a smaller --batch-size, or more ranks")
    }
    (songs, self.segments) = (maximumBatch, segments)
  }
}
