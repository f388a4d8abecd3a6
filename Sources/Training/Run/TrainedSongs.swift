import Checkpointing
import ContentHashing
import Splits

/// Which songs a network was trained on, by hashes of their track ids: what tells an evaluation which of its songs are
/// not unseen. A checkpoint keeps two numbers a song.
struct TrainedSongs {
  /// Rising, which tells nothing of the songs' order.
  private let hashes: [UInt64]

  private static let path = "training_songs/id_hashes"
  /// Of the whole numbers that a value holds: single precision holds them exactly.
  private static let bits: UInt64 = 24
  private static let mask: UInt64 = (1 << bits) - 1

  init(_ trackIDs: some Sequence<String>) { hashes = trackIDs.map(Self.hash).sorted() }

  /// The upper 48 bits of the id's XXH64.
  private static func hash(_ trackID: String) -> UInt64 {
    var hash = ContentHash()
    hash.append(trackID)
    return hash.value >> 16
  }

  /// As `[songs, 2]`: the upper and the lower 24 bits.
  func store(in checkpoint: inout Checkpoint) {
    checkpoint.arrays[Self.path] = Checkpoint.FloatArray(
      shape: [hashes.count, 2], values: hashes.flatMap { [Float($0 >> Self.bits), Float($0 & Self.mask)] })
  }

  /// Nil where the checkpoint does not tell.
  init?(_ checkpoint: Checkpoint) {
    guard let array = checkpoint.arrays[Self.path], array.shape.count == 2, array.shape[1] == 2,
      array.values.allSatisfy({ (0...Float(Self.mask)).contains($0) })
    else { return nil }
    hashes = stride(from: 0, to: array.values.count, by: 2).map {
      UInt64(array.values[$0]) << Self.bits | UInt64(array.values[$0 + 1])
    }.sorted()
  }

  func contains(_ trackID: String) -> Bool {
    let wanted = Self.hash(trackID)
    var (low, high) = (0, hashes.count)
    while low < high {
      let middle = (low + high) / 2
      if hashes[middle] < wanted { low = middle + 1 } else { high = middle }
    }
    return low < hashes.count && hashes[low] == wanted
  }
}
