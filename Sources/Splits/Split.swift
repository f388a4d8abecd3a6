import Diagnosis
import RandomNumbers
import Texts

/// Which songs are for training, for validation and for test: indices into the songs in rising order.
public struct Split: Sendable, Equatable {
  public var train: [Int]
  public var validation: [Int]
  public var test: [Int]
  /// Songs that no list names (only where the sides come from files).
  public var unused: [Int] = []
  /// What the files were found to hold, where the sides come from files.
  public var lists: ListFindings?

  public init(train: [Int], validation: [Int], test: [Int], unused: [Int] = []) {
    self.train = train
    self.validation = validation
    self.test = test
    self.unused = unused
  }

  /// Divides songs by a rule.
  ///
  ///     let split = try Split(SplitRule("artist:0.8/0.1/0.1"), of: songs, seed: 1)
  ///     let judged = split[.validation]
  ///
  /// A pure function of rule, seed, ids and (where the rule is stratified) labels: neither the order of the songs
  /// nor the number of ranks has any influence on the side that a song is on.
  /// - Throws: `badData` where no song is left for training, an artist is on two sides of an artist split, or a
  ///   list is not what it should be; `missingInput` where a list cannot be read.
  public init(_ rule: SplitRule, of songs: SplitSongs, seed: UInt64) throws {
    switch rule {
    case .random(let shares): self = Split.random(shares, songs, seed: seed)
    case .artist(let shares): self = Split.byArtist(shares, songs, seed: seed)
    case .stratified(let shares): self = try Split.stratified(shares, songs, byArtist: false, seed: seed)
    case .stratifiedArtist(let shares): self = try Split.stratified(shares, songs, byArtist: true, seed: seed)
    case .artistFolds(let choice): self = try Split.folds(choice, songs, seed: seed)
    case .trackLists(let lists), .artistTrackLists(let lists):
      self = try Split(ListedSides(lists, of: .track, seed: seed), ids: songs.trackIDs)
    case .artistLists(let lists):
      self = try Split(ListedSides(lists, of: .artist, seed: seed), ids: songs.artistIDs)
    }
    guard !train.isEmpty else {
      throw Failure(
        .badData, "split \(rule): no song is left for training, of \(songs.count)",
        remedy: lists.map { _ in "do the lists belong to these songs?" })
    }
    if rule.isByArtist { try checkNoArtistOnTwoSides(songs) }
  }

  /// - Parameter sides: each song's side; nil for one that is on none.
  init(sides: [SongSide?]) {
    func songs(on side: SongSide?) -> [Int] { sides.indices.filter { sides[$0] == side } }
    self.init(
      train: songs(on: .training), validation: songs(on: .validation), test: songs(on: .test),
      unused: songs(on: nil))
  }

  /// The songs of a side.
  public subscript(side: SongSide) -> [Int] {
    switch side {
    case .training: train
    case .validation: validation
    case .test: test
    }
  }

  /// The sides with their songs, training first.
  public var sides: [(side: SongSide, songs: [Int])] { SongSide.allCases.map { ($0, self[$0]) } }

  /// The side of each song, on whatever side all of them are; nil for one that is on none.
  package var sideOfSong: [SongSide?] {
    var sideOfSong = [SongSide?](repeating: nil, count: sides.reduce(unused.count) { $0 + $1.songs.count })
    for (side, songs) in sides { for song in songs { sideOfSong[song] = side } }
    return sideOfSong
  }
}

// MARK: - By chance

extension Split {
  /// The share of each side to the song; a side with a share above 0 gets at least one song while there are any.
  private static func random(_ shares: SplitShares, _ songs: SplitSongs, seed: UInt64) -> Split {
    let order = shuffled(songs.trackIDs, seed: seed)
    var sides = [SongSide?](repeating: nil, count: songs.count)
    let wanted = shares.songs(of: songs.count)
    var start = 0
    for side in SongSide.allCases {
      for song in order[start..<start + wanted[side]] { sides[song] = side }
      start += wanted[side]
    }
    return Split(sides: sides)
  }

  /// Artists in random order, each to the side that lacks the most songs for its share.
  private static func byArtist(_ shares: SplitShares, _ songs: SplitSongs, seed: UInt64) -> Split {
    var wanted = shares.songs(of: songs.count)
    var sides = [SongSide?](repeating: nil, count: songs.count)
    for own in songsOfArtists(songs.artistIDs, seed: seed) {
      let side = SongSide.allCases.max { (wanted[$0], $1) < (wanted[$1], $0) }!
      wanted[side] -= own.count
      for song in own { sides[song] = side }
    }
    return Split(sides: sides)
  }

  /// Songs or artists in random order, each where its tags and the shares want it.
  private static func stratified(
    _ shares: SplitShares, _ songs: SplitSongs, byArtist: Bool, seed: UInt64
  ) throws -> Split {
    guard songs.tagCount > 0, songs.labels.count == songs.count * songs.tagCount else {
      throw Failure(.fault, "a stratified split of \(songs.count) songs without their labels")
    }
    let groups =
      byArtist ? songsOfArtists(songs.artistIDs, seed: seed) : shuffled(songs.trackIDs, seed: seed).map { [$0] }
    let units = groups.map { Stratification.Unit($0, labels: songs.labels, tagCount: songs.tagCount) }
    let stratification = Stratification(
      units, tagCount: songs.tagCount, wanted: shares.songs(of: songs.count), seed: seed)
    var sides = [SongSide?](repeating: nil, count: songs.count)
    for (group, side) in zip(groups, stratification.sides()) {
      for song in group { sides[song] = side }
    }
    return Split(sides: sides)
  }

  /// The songs of each artist, artists in random order.
  static func songsOfArtists(_ artistIDs: PackedTexts, seed: UInt64) -> [[Int]] {
    let songs = Dictionary(grouping: artistIDs.indices) { ExactText(artistIDs[$0]) }
    let artists = songs.keys.map(\.text)
    return shuffled(artists, seed: seed).map { songs[ExactText(artists[$0])]! }
  }

  /// A random order of ids (as indices): each id draws its own number, so the ids' own order does not matter.
  static func shuffled<IDs: RandomAccessCollection<String>>(_ ids: IDs, seed: UInt64) -> [Int]
  where IDs.Index == Int {
    let draws = ids.map { id -> UInt64 in
      let name = Fingerprint.of(id)
      var stream = RandomStream(
        seed: seed, purpose: .split, first: UInt32(truncatingIfNeeded: name),
        second: UInt32(truncatingIfNeeded: name >> 32))
      return stream.next()
    }
    return (0..<ids.count).sorted { first, second in
      draws[first] != draws[second]
        ? draws[first] < draws[second] : ExactText(ids[first]) < ExactText(ids[second])
    }
  }
}
