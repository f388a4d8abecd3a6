import Diagnosis
import RandomNumbers
import Splits
import Testing

@Suite struct StratificationTests {
  /// Few songs, each with some of few tags, of few artists.
  private static func fewSongs(_ number: Int, artists: Int? = nil) -> SplitSongs {
    var stream = RandomStream(seed: UInt64(number), purpose: .test)
    let count = 3 + stream.index(below: 6)
    let tags = 1 + stream.index(below: 5)
    let density = 0.15 + 0.5 * stream.uniform()
    return SplitSongs(
      trackIDs: (0..<count).map { "TR\($0)" },
      artistIDs: (0..<count).map { artists == nil ? "AR\($0)" : "AR\(stream.index(below: artists!))" },
      labels: (0..<count * tags).map { _ in stream.chance(density) ? 1 : 0 }, tagCount: tags)
  }

  /// Pairs of a tag that some song has and a side without a song that has it.
  private static func missing(_ sides: [Int], _ songs: SplitSongs, active: [Int]) -> Int {
    var missing = 0
    for tag in 0..<songs.tagCount {
      let own = songs.trackIDs.indices.filter { songs.labels[$0 * songs.tagCount + tag] == 1 }
      if !own.isEmpty { missing += active.count { side in !own.contains { sides[$0] == side } } }
    }
    return missing
  }

  private static func sides(_ split: Split, _ songs: SplitSongs) -> [Int] {
    songs.trackIDs.indices.map { split.train.contains($0) ? 0 : split.validation.contains($0) ? 1 : 2 }
  }

  /// All divisions of `units` among the sides.
  private static func divisions(_ units: Int, _ active: [Int], _ body: ([Int]) -> Void) {
    var digits = [Int](repeating: 0, count: units)
    while true {
      body(digits.map { active[$0] })
      guard let place = digits.firstIndex(where: { $0 < active.count - 1 }) else { return }
      digits[place] += 1
      for lower in 0..<place { digits[lower] = 0 }
    }
  }

  private static let rules = ["0.6/0.2/0.2", "0.34/0.33/0.33", "0.5", "0.8"]

  @Test(arguments: 0..<200) func fewSongsMissNoMoreTagsThanTheBestDivision(number: Int) throws {
    let songs = Self.fewSongs(number)
    let rule = "stratified:" + Self.rules[number % Self.rules.count]
    let split = try Split(SplitRule(rule), of: songs, seed: UInt64(number))
    let sizes = split.sides.map(\.songs.count)
    // As many songs on each side as without regard to tags.
    let plain = try Split(SplitRule(rule.replacing("stratified", with: "random")), of: songs, seed: 1)
    #expect(sizes == plain.sides.map(\.songs.count))
    let active = sizes.indices.filter { sizes[$0] > 0 }
    var best = Int.max
    Self.divisions(songs.count, active) { sides in
      guard (0..<3).allSatisfy({ side in sides.count { $0 == side } == sizes[side] }) else { return }
      best = min(best, Self.missing(sides, songs, active: active))
    }
    #expect(Self.missing(Self.sides(split, songs), songs, active: active) == best)
  }

  @Test(arguments: 0..<200) func fewArtistsMissNoMoreTagsThanTheBestDivision(number: Int) throws {
    let songs = Self.fewSongs(number, artists: 6)
    let rule = "artist:" + Self.rules[number % Self.rules.count]
    let wanted = try Split(SplitRule(rule.replacing("artist", with: "random")), of: songs, seed: 1)
      .sides.map(\.songs.count)
    let active = wanted.indices.filter { wanted[$0] > 0 }
    let artists = Array(Set(songs.artistIDs)).sorted()
    let largest = artists.map { artist in songs.artistIDs.count { $0 == artist } }.max()!
    guard artists.count >= active.count else { return }
    let split = try Split(SplitRule("stratified-" + rule), of: songs, seed: UInt64(number))
    var best = Int.max
    Self.divisions(artists.count, active) { sideOfArtist in
      let sides = songs.artistIDs.map { sideOfArtist[artists.firstIndex(of: $0)!] }
      let isSized = active.allSatisfy { side in
        let count = sides.count { $0 == side }
        return count > 0 && abs(count - wanted[side]) <= (largest == 1 ? 0 : largest)
      }
      if isSized { best = min(best, Self.missing(sides, songs, active: active)) }
    }
    #expect(Self.missing(Self.sides(split, songs), songs, active: active) <= best)
    try split.checkNoArtistOnTwoSides(songs)
    for side in active {
      #expect(abs(split.sides[side].songs.count - wanted[side]) <= largest)
      #expect(!split.sides[side].songs.isEmpty)
    }
  }

  /// Tags from common to so rare that only three songs have one.
  private static func manySongs(_ count: Int = 3_000, seed: UInt64 = 1) -> SplitSongs {
    var stream = RandomStream(seed: seed, purpose: .test)
    let tags = 60
    var labels = (0..<count * tags).map { cell in UInt8(stream.chance(0.3 / Double(1 + cell % tags)) ? 1 : 0) }
    for tag in 50..<tags {
      for song in 0..<count { labels[song * tags + tag] = 0 }
      for _ in 0..<3 { labels[stream.index(below: count) * tags + tag] = 1 }
    }
    return SplitSongs(
      trackIDs: (0..<count).map { "TR\($0)" }, artistIDs: (0..<count).map { "AR\($0 * $0 % 977)" }, labels: labels,
      tagCount: tags)
  }

  private static func counts(_ songs: SplitSongs, of own: [Int]) -> [Int] {
    (0..<songs.tagCount).map { tag in own.count { songs.labels[$0 * songs.tagCount + tag] == 1 } }
  }

  @Test(arguments: ["stratified", "stratified-artist"]) func everySideHasItsShareOfEveryTag(form: String) throws {
    let songs = Self.manySongs()
    let split = try Split(SplitRule("\(form):0.8/0.1/0.1"), of: songs, seed: 3)
    #expect((split.train + split.validation + split.test).sorted() == Array(0..<songs.count))
    #expect(split.warnings(try SplitRule("\(form):0.8/0.1/0.1"), songs).isEmpty)
    let all = Self.counts(songs, of: Array(0..<songs.count))
    for (own, share) in zip(split.sides.map(\.songs), [0.8, 0.1, 0.1]) {
      #expect(abs(own.count - Int(share * Double(songs.count))) <= (form == "stratified" ? 0 : 3))
      for (tag, count) in Self.counts(songs, of: own).enumerated() {
        #expect(count > 0)
        let expected = share * Double(all[tag])
        // An artist brings several songs at once.
        #expect(abs(Double(count) - expected) <= (form == "stratified" ? 3 : 3 + 0.3 * expected))
      }
    }
  }

  @Test func theSidesDependOnSeedIdsAndLabelsNotOnTheOrderOfSongs() throws {
    let songs = Self.manySongs(400)
    for rule in try [SplitRule("stratified:0.8/0.1/0.1"), SplitRule("stratified-artist:0.8/0.1/0.1")] {
      let first = try Split(rule, of: songs, seed: 1)
      #expect(first != (try Split(rule, of: songs, seed: 2)))
      var stream = RandomStream(seed: 5, purpose: .test)
      let order = stream.permutation(songs.count)
      let shuffled = SplitSongs(
        trackIDs: order.map { songs.trackIDs[$0] }, artistIDs: order.map { songs.artistIDs[$0] },
        labels: order.flatMap { songs.labels[$0 * songs.tagCount..<($0 + 1) * songs.tagCount] },
        tagCount: songs.tagCount)
      let again = try Split(rule, of: shuffled, seed: 1)
      #expect(again.validation.map { order[$0] }.sorted() == first.validation)
      #expect(again.test.map { order[$0] }.sorted() == first.test)
    }
  }

  @Test func aTagOfOneSongIsForTraining() throws {
    for seed in 1...20 {
      var songs = Self.manySongs(200)
      for song in 0..<songs.count { songs.labels[song * songs.tagCount + 7] = song == 11 ? 1 : 0 }
      let split = try Split(SplitRule("stratified:0.4/0.3/0.3"), of: songs, seed: UInt64(seed))
      #expect(split.train.contains(11))
      let warnings = split.warnings(try SplitRule("stratified:0.4/0.3/0.3"), songs)
      #expect(warnings.contains { $0.contains("on the validation side") })
    }
  }

  @Test func withoutLabelsItIsAFault() throws {
    let songs = SplitSongs(trackIDs: ["a"], artistIDs: ["b"])
    #expect(throws: Failure.self) { try Split(SplitRule("stratified:0.8"), of: songs, seed: 1) }
  }
}
