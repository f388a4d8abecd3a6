/// The batches of an epoch, as ranges of positions in its order. Positions count songs of the whole job, so they
/// mean the same for any world size, and for any batch size too: a run may go on from a position with others.
///
/// The last batch is shorter where sizes do not divide; no song is repeated or left out.
public struct GlobalBatches: Sequence, Sendable {
  /// Songs in an epoch.
  public let count: Int
  /// Songs in a batch, over all ranks.
  public let batchSize: Int
  /// Where to begin: how many songs of this epoch have been trained on already.
  public let start: Int

  public init(count: Int, batchSize: Int, from start: Int = 0) {
    self.count = Swift.max(0, count)
    self.batchSize = Swift.max(1, batchSize)
    self.start = Swift.min(Swift.max(0, start), self.count)
  }

  /// How many batches are left from `start` on: with `start` 0, the steps of an epoch.
  public var steps: Int { (count - start) / batchSize + ((count - start) % batchSize == 0 ? 0 : 1) }

  public func makeIterator() -> some IteratorProtocol<Range<Int>> {
    stride(from: start, to: count, by: batchSize).lazy
      .map { $0..<Swift.min(count, $0 + batchSize) }
      .makeIterator()
  }
}
