/// The rounds in which byte arrays of any length are gathered, so that no round's total exceeds what a C `int`
/// can count.
struct GatherRounds {
  /// Bytes each rank contributes in all.
  let lengths: [Int]
  let rank: Int
  /// Bytes each rank may contribute to one round.
  let bytesARound: Int

  /// One array for each rank, with room for what it will receive.
  var emptyArrays: [[UInt8]] {
    lengths.map { length in
      var bytes = [UInt8]()
      bytes.reserveCapacity(length)
      return bytes
    }
  }

  /// Calls the body once a round, on every rank equally often, with each rank's count, each rank's place in the
  /// received buffer, the received buffer's length, and where this rank's part starts in its own bytes.
  func run(
    _ body: (_ counts: [Int32], _ displacements: [Int32], _ total: Int, _ start: Int) throws -> Void
  ) rethrows {
    let longest = lengths.max() ?? 0
    var done = 0
    while done < longest {
      let counts = lengths.map { Int32(min(max($0 - done, 0), bytesARound)) }
      var displacements: [Int32] = []
      displacements.reserveCapacity(counts.count)
      var total = 0
      for count in counts {
        displacements.append(Int32(total))
        total += Int(count)
      }
      try body(counts, displacements, total, min(done, lengths[rank]))
      done += bytesARound
    }
  }
}

extension [[UInt8]] {
  /// Appends one round's bytes to each rank's array.
  mutating func append(_ received: [UInt8], counts: [Int32], displacements: [Int32]) {
    for rank in indices where counts[rank] > 0 {
      let start = Int(displacements[rank])
      self[rank].append(contentsOf: received[start..<start + Int(counts[rank])])
    }
  }
}
