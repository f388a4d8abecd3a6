import Kernels
import MessagePassing
import Networks

// check-layers: raw memory, because sums are handed over where they lie.

/// Everything that replicas of a network exchange in a step: the sum of their gradients, and small sums such as batch
/// norm's. A rank alone exchanges nothing.
///
///     let exchange = try ReplicaExchange(communicator, network)
///     let replica = try Replica(network, maximumBatch: 16, threads: 1, gradientMemory: exchange.gradientMemory)
public final class ReplicaExchange {
  /// How an exchange goes about it.
  public struct Options: Sendable {
    public var format = GradientFormat.none
    /// Whether gradients are summed while the backward pass goes on.
    public var overlaps = true
    /// Bytes of the gradients that go together; nil: by the number of nodes.
    public var bucketBytes: Int?

    public init(format: GradientFormat = .none, overlaps: Bool = true, bucketBytes: Int? = nil) {
      (self.format, self.overlaps, self.bucketBytes) = (format, overlaps, bucketBytes)
    }
  }

  let communicator: any Communicator
  /// Nil for a rank alone.
  public let gradients: GradientExchange?
  private let smallSums: OrderedSum?
  /// Seconds of the small sums in which this rank waited for others, over all steps.
  public private(set) var waited = 0.0

  /// Collective.
  public convenience init(
    _ communicator: any Communicator, _ network: Network, _ options: Options = Options()
  ) throws {
    let largest = network.statisticTensors.map(\.count).max() ?? 0
    try self.init(communicator, network.gradientLayout, smallSums: max(64, 2 * largest + 1), options)
  }

  package init(
    _ communicator: any Communicator, _ layout: GradientLayout, smallSums capacity: Int, _ options: Options
  ) throws {
    self.communicator = communicator
    guard communicator.size > 1 else {
      (gradients, smallSums) = (nil, nil)
      return
    }
    let gradients = try GradientExchange(
      communicator, layout, format: options.format, overlaps: options.overlaps, bucketBytes: options.bucketBytes)
    self.gradients = gradients
    smallSums = try OrderedSum.make(communicator, capacity: capacity)
    // Gradients go on their way while a rank waits for something smaller.
    if options.overlaps { smallSums?.whileWaiting = { [unowned gradients] in gradients.poll() } }
  }

  /// Bytes that a rank takes for gradients and their exchange.
  public static func plannedBytes(
    _ communicator: any Communicator, _ network: Network, _ options: Options
  ) -> Int? {
    guard communicator.size > 1 else { return nil }
    return GradientExchange.plannedBytes(
      network.gradientLayout.count, layout: communicator.layout, rank: communicator.rank, format: options.format)
  }

  /// What somebody should know who waits for it; nil: nothing.
  public var advice: String? {
    guard gradients?.lacksNodeMemory == true else { return nil }
    return
      "a node has no room for memory that its ranks share (df -h /dev/shm): they send each other messages, which is "
      + "slower, and rounds between them too what is sent in fewer bits; make it larger (docker run --shm-size=1g)"
  }

  /// Where a replica's gradients must lie; nil: in memory of its own.
  public var gradientMemory: GradientMemory? { gradients?.replicaMemory }

  /// Replaces the values by their sums over all ranks, the same to the last bit everywhere. Collective.
  public func sum(_ values: UnsafeMutableBufferPointer<Double>) throws {
    guard communicator.size > 1 else { return }
    let start = StepProfile.now()
    defer { waited += StepProfile.now() - start }
    if let smallSums { try smallSums.sum(values) } else { try communicator.allreduce(values, .sum) }
  }

  /// The sums over all ranks. Collective.
  public func sum(_ values: [Double]) throws -> [Double] {
    var sums = values
    try sums.withUnsafeMutableBufferPointer { try sum($0) }
    return sums
  }

  /// Replaces an arena's values by their mean over all songs, each rank's values standing for its own songs: with local
  /// batch norm, the batch statistics that all replicas' moving statistics take up, so that these stay equal.
  /// Collective. Where no rank has a song, nothing changes.
  public func mean(_ arena: ParameterArena, localSongs: Int, globalSongs: Int) throws {
    guard communicator.size > 1, globalSongs > 0 else { return }
    let weight = Double(localSongs) / Double(globalSongs)
    // A rank without songs has no statistics, whatever lies in its memory.
    let sums = try sum(arena.storage.all.map { localSongs == 0 ? 0 : Double($0) * weight })
    for (index, sum) in sums.enumerated() { arena.storage.all[index] = Float(sum) }
  }
}
