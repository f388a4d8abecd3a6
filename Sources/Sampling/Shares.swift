/// A rank's part of a range: contiguous, in the order of ranks, sizes equal but for one (the first ranks have
/// the longer parts). All parts together are the range, each element once; with more ranks than elements the
/// last ranks' parts are empty.
public func share(of range: Range<Int>, rank: Int, size: Int) -> Range<Int> {
  let ranks = max(1, size)
  let (whole, rest) = range.count.quotientAndRemainder(dividingBy: ranks)
  let start = range.lowerBound + rank * whole + min(rank, rest)
  return start..<start + whole + (rank < rest ? 1 : 0)
}

/// The most songs a rank gets of any global batch: what a replica needs room for.
public func largestShare(ofBatch batchSize: Int, size: Int) -> Int {
  (max(1, batchSize) - 1) / max(1, size) + 1
}
