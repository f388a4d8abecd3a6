import RandomNumbers

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

/// Divides elements of unlike lengths among ranks: as many to each rank as `share` gives it, and lengths that sum up
/// to much the same. The longest come first, each to the rank that has the shortest sum so far and room.
///
/// - Returns: each rank's elements by their place in `lengths`, rising.
public func balancedShares(of lengths: [Int], size: Int) -> [[Int]] {
  let ranks = max(1, size)
  let room = (0..<ranks).map { share(of: lengths.indices, rank: $0, size: ranks).count }
  var shares = [[Int]](repeating: [], count: ranks)
  var sums = [Int](repeating: 0, count: ranks)
  for element in lengths.indices.sorted(by: { (lengths[$1], $0) < (lengths[$0], $1) }) {
    let open = (0..<ranks).filter { shares[$0].count < room[$0] }
    let rank = open.min { (sums[$0], $0) < (sums[$1], $1) }!
    shares[rank].append(element)
    sums[rank] += lengths[element]
  }
  return shares.map { $0.sorted() }
}

/// The most segments that any so many of the songs have together.
public func mostSegments(of lengths: some Sequence<Int>, songs: Int) -> Int {
  lengths.sorted(by: >).prefix(songs).reduce(0, +)
}

/// Where a random crop of a song starts: a function of seed, epoch and song, whichever rank asks.
/// - Parameters:
///   - seed: the run's.
///   - epoch: any number that names the epoch.
///   - song: its number in the data.
///   - places: how many starts there are.
public func cropStart(seed: UInt64, epoch: Int, song: Int, places: Int) -> Int {
  var stream = RandomStream(
    seed: seed, purpose: .crop, first: UInt32(truncatingIfNeeded: epoch), second: UInt32(truncatingIfNeeded: song))
  return stream.index(below: max(1, places))
}
