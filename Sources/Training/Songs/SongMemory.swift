import Diagnosis
import MessagePassing

/// Whether a rank keeps its songs in memory or reads them from the disk as it needs them.
struct SongMemory {
  /// Batches read ahead; 0: all songs are in memory.
  let batchesAhead: Int
  /// Songs that this rank works on, and what they take in memory.
  private let songs: Int
  private let songBytes: Int

  /// More would bring nothing: a step takes longer than reading a batch.
  private static let mostBatchesAhead = 8
  /// Batches that are there beside those read ahead: one in use, one being made, and what is read for that.
  private static let batchesBeside = 3

  /// - Parameters:
  ///   - budget: bytes a rank; nil: as much as it takes.
  ///   - songs: that this rank works on.
  ///   - songBytes: what all of them take in memory.
  ///   - batchBytes: what its largest batch takes.
  /// - Throws: `usage` where the budget has no room for reading ahead. Collective: one rank that must read from the
  ///   disk makes all do so.
  init(
    budget: ByteCount?, songs: Int, songBytes: Int, batchBytes: Int, _ communicator: any Communicator
  ) throws {
    (self.songs, self.songBytes) = (songs, songBytes)
    guard let budget else {
      batchesAhead = 0
      return
    }
    let exceeds = try communicator.allreduce(songBytes > budget.bytes ? 1 : 0, .maximum) > 0
    guard exceeds else {
      batchesAhead = 0
      return
    }
    batchesAhead = try communicator.agree {
      let ahead = budget.bytes / max(batchBytes, 1) - Self.batchesBeside
      guard ahead >= 1 else {
        let needed = ByteCount((Self.batchesBeside + 1) * batchBytes)
        throw Failure(
          .usage,
          "--memory \(budget) is too little to read songs ahead: a rank's largest batch takes \(ByteCount(batchBytes))",
          remedy: "give at least \(needed), or a smaller --batch-size, or more ranks")
      }
      return min(ahead, Self.mostBatchesAhead)
    }
  }

  /// Batches that are in memory at once.
  var batches: Int { batchesAhead > 0 ? batchesAhead + Self.batchesBeside : 1 }

  /// What keeping the songs takes, and for a moment loading them.
  /// - Parameter readers: ranks that each read a part of the same songs.
  func bytes(readers: Int) -> Int {
    guard batchesAhead == 0 else { return 0 }
    return songBytes + SongFeatures.loadingBytes(songs: songs, bytes: songBytes, readers: readers)
  }
}
