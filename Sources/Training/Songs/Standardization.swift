import MessagePassing
import Sampling
import Segments

extension Standardization {
  /// Over all segments of the songs that training can see. Each rank reads a share of the songs; the result is the
  /// same to the last bit for any number of ranks, and the one that a snapshot keeps of the same songs. Collective.
  package static func measured(
    _ songs: [Int], of source: any SongSource, _ input: SongInput, _ communicator: any Communicator
  ) throws -> Standardization {
    let songsOfBlock = TimbreSums.songsOfBlock
    let blocks = 0..<(songs.count + songsOfBlock - 1) / songsOfBlock
    let own = share(of: blocks, rank: communicator.rank, size: communicator.size)
    let sums = try communicator.agree {
      try own.flatMap { block in
        var sums = TimbreSums()
        for song in songs[(block * songsOfBlock)...].prefix(songsOfBlock) {
          let window = input.everything(of: source.segmentCounts[song])
          sums += TimbreSums(try source.values(of: .timbre, song: song, segments: window))
        }
        return sums.values
      }
    }
    var total = TimbreSums()
    for part in try communicator.allgather(sums) {
      for start in stride(from: 0, to: part.count, by: TimbreSums.count) {
        total += TimbreSums(values: part[start..<start + TimbreSums.count])
      }
    }
    return total.standardization
  }

  /// What the source keeps, where it was taken over just these songs and segments; else nil.
  static func kept(of source: any SongSource, _ sides: SongSides, _ input: SongInput) -> Standardization? {
    guard sides.isPrepared, let kept = source.standardization else { return nil }
    let seesAll = source.segmentCounts.allSatisfy { input.everything(of: $0) == 0..<$0 }
    return seesAll ? kept : nil
  }
}
