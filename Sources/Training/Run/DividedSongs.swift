import Diagnosis
import Segments

/// The songs of the data that a run takes, how its network sees them, and the sides that they are on.
struct DividedSongs {
  let input: SongInput
  /// Those that are long enough.
  let songs: any SongSource
  let sides: SongSides
  /// Segments that the network needs of a song.
  let shortest: Int

  /// - Parameter configuration: resolved for the data.
  /// - Throws: `usage` where the network cannot take what is asked for; as `ChosenSongs.of` and `SongSides`.
  init(_ configuration: RunConfiguration, _ data: any SongSource) throws {
    input = SongInput(
      features: configuration.features ?? .pitches, segments: configuration.segments ?? data.segments,
      crop: configuration.crop, longest: configuration.longest, rows: data.rows)
    let network = try configuration.architecture(
      segments: input.segments.count ?? SegmentLimits.wholeSong.upperBound, tags: data.tags.count
    ).network()
    try data.refuseOtherRows(than: network)
    shortest = network.shortestSong
    if let longest = input.longest, longest < shortest {
      throw Failure(.usage, "--longest \(longest): the network needs \(shortest) segments of each song")
    }
    songs = try ChosenSongs.of(data, input, fewest: shortest)
    sides = try SongSides(
      songs, split: configuration.split, listsHash: configuration.splitListsHash,
      permuteTags: configuration.permuteTags, seed: configuration.seed, splitSeed: configuration.seedOfSplit,
      trainsOnUntagged: configuration.auxiliary != nil)
  }
}
