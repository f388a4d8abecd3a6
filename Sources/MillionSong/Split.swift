import Diagnosis
import RandomNumbers

/// Which songs are for training, for validation and for test: indices into the songs in rising order.
public struct Split: Sendable, Equatable {
  public var train: [Int]
  public var validation: [Int]
  public var test: [Int]
  /// Songs that no list names (only where the sides come from files).
  public var unused: [Int] = []

  public init(train: [Int], validation: [Int], test: [Int], unused: [Int] = []) {
    self.train = train
    self.validation = validation
    self.test = test
    self.unused = unused
  }

  /// Divides songs by a rule.
  ///
  /// A pure function of rule, seed and the ids: neither the order of the songs nor the number of ranks has any
  /// influence on the side that a song is on.
  /// - Throws: `badData` where no song is left for training, or a list is not what it should be.
  public init(_ rule: SplitRule, trackIDs: [String], artistIDs: [String], seed: UInt64) throws {
    precondition(trackIDs.count == artistIDs.count, "one artist id for each track id")
    switch rule {
    case .random(let shares):
      self = Split.random(shares, trackIDs: trackIDs, seed: seed)
    case .artist(let shares):
      self = Split.byArtist(shares, artistIDs: artistIDs, seed: seed)
      try checkNoArtistOnTwoSides(artistIDs: artistIDs)
    case .files(let paths):
      self = try Split.listed(TrackList.readAll(paths), trackIDs: trackIDs)
    }
    guard !train.isEmpty else {
      throw Failure(.badData, "split \(rule): no song is left for training, of \(trackIDs.count)")
    }
  }

  private init(sides: [Int?]) {
    func songs(on side: Int?) -> [Int] { sides.indices.filter { sides[$0] == side } }
    self.init(train: songs(on: 0), validation: songs(on: 1), test: songs(on: 2), unused: songs(on: nil))
  }
}

extension Split {
  /// The share of each side to the song; a side with a share above 0 gets at least one song while there are any.
  private static func random(_ shares: SplitShares, trackIDs: [String], seed: UInt64) -> Split {
    let order = shuffled(trackIDs, seed: seed)
    let counts = sideCounts(shares, of: trackIDs.count)
    var sides = [Int?](repeating: nil, count: trackIDs.count)
    var start = 0
    for (side, count) in counts.enumerated() {
      for song in order[start..<start + count] { sides[song] = side }
      start += count
    }
    return Split(sides: sides)
  }

  /// Artists in random order, each to the side that lacks the most songs for its share.
  private static func byArtist(_ shares: SplitShares, artistIDs: [String], seed: UInt64) -> Split {
    let songs = Dictionary(grouping: artistIDs.indices) { ExactText(artistIDs[$0]) }
    let artists = songs.keys.map(\.text)
    var wanted = sideCounts(shares, of: artistIDs.count).map(Double.init)
    var sides = [Int?](repeating: nil, count: artistIDs.count)
    for artist in shuffled(artists, seed: seed) {
      let own = songs[ExactText(artists[artist])]!
      let side = wanted.indices.max { (wanted[$0], -$0) < (wanted[$1], -$1) }!
      wanted[side] -= Double(own.count)
      for song in own { sides[song] = side }
    }
    return Split(sides: sides)
  }

  /// Whole numbers of songs that add up to all of them.
  private static func sideCounts(_ shares: SplitShares, of count: Int) -> [Int] {
    var counts = shares.all.map { Int(($0 * Double(count)).rounded()) }
    for side in 1...2 where shares.all[side] > 0 && counts[side] == 0 { counts[side] = 1 }
    counts[2] = min(counts[2], max(0, count - 1))
    counts[1] = min(counts[1], max(0, count - 1 - counts[2]))
    counts[0] = count - counts[1] - counts[2]
    return counts
  }

  /// A random order of ids (as indices): each id draws its own number, so the ids' own order does not matter.
  private static func shuffled(_ ids: [String], seed: UInt64) -> [Int] {
    let draws = ids.map { id -> UInt64 in
      let name = Fingerprint.of(id)
      var stream = RandomStream(
        seed: seed, purpose: .split, first: UInt32(truncatingIfNeeded: name),
        second: UInt32(truncatingIfNeeded: name >> 32))
      return stream.next()
    }
    return ids.indices.sorted { first, second in
      draws[first] != draws[second]
        ? draws[first] < draws[second] : ExactText(ids[first]) < ExactText(ids[second])
    }
  }

  /// Throws `badData` when an artist is on two sides, naming the artist.
  public func checkNoArtistOnTwoSides(artistIDs: [String]) throws {
    var sideOfArtist: [ExactText: String] = [:]
    for (side, songs) in [("training", train), ("validation", validation), ("test", test)] {
      for song in songs {
        let other = sideOfArtist.updateValue(side, forKey: ExactText(artistIDs[song])) ?? side
        guard other == side else {
          throw Failure(
            .badData, "the artist \(artistIDs[song]) is on two sides of the split, \(other) and \(side)")
        }
      }
    }
  }

  private static func listed(_ lists: [TrackList], trackIDs: [String]) throws -> Split {
    var sideOfTrack: [ExactText: Int] = [:]
    for (side, list) in lists.enumerated() {
      for id in list.trackIDs {
        let other = sideOfTrack.updateValue(side, forKey: ExactText(id)) ?? side
        guard other == side else {
          throw Failure(.badData, "\(list.path): the track \(id) is also in \(lists[other].path)")
        }
      }
    }
    return Split(sides: trackIDs.map { sideOfTrack[ExactText($0)] })
  }
}
