import Diagnosis
import MessagePassing
import Networks

// check-layers: raw memory, because gradients are summed where they lie, bucket by bucket.

/// Sums the replicas' gradients, so that every rank steps with the gradient of the global batch.
///
/// A replica's gradients are already divided by the songs of the global batch; their sum is the gradient of the
/// mean loss, whatever share of the songs each rank had.
public final class GradientReduction {
  private let communicator: any Communicator
  private let bucketBytes: Int

  /// - Parameter bucketBytes: gradients go in pieces of at most this size (see `docs/performance.md`).
  public init(_ communicator: any Communicator, bucketBytes: Int = defaultBucketBytes) {
    self.communicator = communicator
    self.bucketBytes = bucketBytes
  }

  /// 4 MiB.
  public static let defaultBucketBytes = 4 << 20

  /// Replaces an arena's values by their sums over all ranks, the same to the last bit everywhere. Collective.
  public func sum<Scalar: ReducibleNumber>(_ arena: Arena<Scalar>) throws {
    guard communicator.size > 1 else { return }
    let values = arena.storage.all
    let bucketCount = max(1, bucketBytes / MemoryLayout<Scalar>.stride)
    var start = 0
    while start < values.count {
      let end = min(values.count, start + bucketCount)
      try communicator.allreduce(UnsafeMutableBufferPointer(rebasing: values[start..<end]), .sum)
      start = end
    }
  }

  /// Replaces an arena's values by their mean over all songs, each rank's values standing for its own songs:
  /// with local batch norm, the batch statistics that all replicas' moving statistics take up, so that these
  /// stay equal. Collective. Where no rank has a song, nothing changes.
  public func mean(_ arena: ParameterArena, localSongs: Int, globalSongs: Int) throws {
    guard communicator.size > 1, globalSongs > 0 else { return }
    let weight = Float(Double(localSongs) / Double(globalSongs))
    for index in arena.storage.all.indices {
      // A rank without songs has no statistics, whatever lies in its memory.
      arena.storage.all[index] = localSongs == 0 ? 0 : arena.storage.all[index] * weight
    }
    try sum(arena)
  }
}
