import MessagePassing
import Sampling
import Segments

extension Standardization {
  /// Of each feature that is scaled, over all segments of the songs that training can see. Each rank reads a share of the
  /// songs; the result is the same to the last bit for any number of ranks, and the one that a snapshot keeps of the same
  /// songs. Collective.
  package static func measured(
    _ songs: [Int], of source: any SongSource, _ input: SongInput, _ communicator: any Communicator
  ) throws -> [Feature: Standardization] {
    var scales: [Feature: Standardization] = [:]
    for feature in input.features.features where feature.isStandardized {
      scales[feature] = try measured(songs, width: feature.width, communicator) { song in
        let window = input.everything(of: source.segmentCounts[song])
        return try source.values(of: feature, song: song, segments: window).floats
      }
    }
    return scales
  }

  /// Of what is known of whole songs; nil where nothing of it is asked for. Collective.
  package static func measuredOfSongs(
    _ songs: [Int], of source: any SongSource, _ input: SongInput, _ communicator: any Communicator
  ) throws -> Standardization? {
    guard input.features.songWidth > 0 else { return nil }
    return try measured(songs, width: input.features.songWidth, communicator) { song in
      try input.features.ofSong.flatMap { try source.values(of: $0, songs: song..<song + 1) }
    }
  }

  /// Of songs by number, each read by one rank.
  private static func measured(
    _ songs: [Int], width: Int, _ communicator: any Communicator, _ read: (Int) throws -> [Float]
  ) throws -> Standardization {
    let songsOfBlock = FeatureSums.songsOfBlock
    let blocks = 0..<(songs.count + songsOfBlock - 1) / songsOfBlock
    let own = share(of: blocks, rank: communicator.rank, size: communicator.size)
    let sums = try communicator.agree {
      try own.flatMap { block in
        var sums = FeatureSums(width: width)
        for song in songs[(block * songsOfBlock)...].prefix(songsOfBlock) {
          sums += FeatureSums(try read(song), width: width)
        }
        return sums.values
      }
    }
    var total = FeatureSums(width: width)
    let count = FeatureSums.count(width: width)
    for part in try communicator.allgather(sums) {
      for start in stride(from: 0, to: part.count, by: count) {
        total += FeatureSums(values: part[start..<start + count])
      }
    }
    return total.standardization
  }

  /// What the source keeps, where it was taken over just these songs and segments, and of every feature; else nil.
  static func kept(of source: any SongSource, _ sides: SongSides, _ input: SongInput) -> [Feature:
    Standardization]?
  {
    let wanted = input.features.features.filter(\.isStandardized)
    guard sides.isPrepared, wanted.allSatisfy({ source.standardization[$0] != nil }) else { return nil }
    let seesAll = source.segmentCounts.allSatisfy { input.everything(of: $0) == 0..<$0 }
    return seesAll ? source.standardization.filter { wanted.contains($0.key) } : nil
  }
}
