/// Who writes which rows, where ranks have so many rows each, one after the other, and chunks so many.
package struct ChunkPlan {
  /// A rank's rows, in order: a head that belongs to a chunk begun by a rank before it; those of the chunks that
  /// begin with it and become whole; and a tail that is carried on. The last of its chunks may need rows of the
  /// ranks behind it.
  package struct Part: Equatable {
    package var head = 0
    /// Its own rows of the chunks that it writes.
    package var starting = 0
    /// Rows that it needs of the ranks behind it.
    package var missing = 0
    /// Where it writes; the place is counted from the first row of all.
    package var firstRow = 0
  }

  package let parts: [Part]
  /// Rows of whole chunks.
  package let wholeRows: Int
  /// Who has the first row behind the whole chunks, and where in its rows; nil where none is left.
  package let lastStarter: (rank: Int, offset: Int)?

  package init(counts: [Int], chunkRows: Int) {
    func roundedUp(_ row: Int) -> Int { (row + chunkRows - 1) / chunkRows * chunkRows }
    let wholeRows = counts.reduce(0, +) / chunkRows * chunkRows
    var parts: [Part] = []
    var last: (rank: Int, offset: Int)?
    var start = 0
    for (rank, count) in counts.enumerated() {
      let end = start + count
      let boundary = min(roundedUp(start), end)
      var part = Part(head: boundary - start, firstRow: min(boundary, wholeRows))
      if boundary < end {
        part.starting = max(0, min(end, wholeRows) - boundary)
        if part.starting > 0 { part.missing = max(0, min(roundedUp(end), wholeRows) - end) }
      }
      if boundary < end, boundary <= wholeRows, wholeRows < end { last = (rank, wholeRows - start) }
      parts.append(part)
      start = end
    }
    self.parts = parts
    self.wholeRows = wholeRows
    lastStarter = last
  }
}
