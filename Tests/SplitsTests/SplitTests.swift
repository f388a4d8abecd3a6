import Diagnosis
import RandomNumbers
import Splits
import Testing

@Suite struct SplitTests {
  private let trackIDs = (0..<1000).map { "TR" + String(repeating: "A", count: 5) + String(100_000_000_00 + $0) }
  /// 200 artists of 1 to 9 songs.
  private var artistIDs: [String] { (0..<1000).map { "AR\(($0 * $0) % 211)" } }

  private func split(_ rule: String, seed: UInt64 = 1) throws -> Split {
    try Split(SplitRule(rule), of: SplitSongs(trackIDs: trackIDs, artistIDs: artistIDs), seed: seed)
  }

  @Test func randomSidesHaveTheirSharesAndCoverAllSongsOnce() throws {
    let two = try split("random:0.95")
    #expect((two.train.count, two.validation.count, two.test.count) == (950, 50, 0))
    let three = try split("random:0.8/0.1/0.1")
    #expect((three.train.count, three.validation.count, three.test.count) == (800, 100, 100))
    #expect((three.train + three.validation + three.test).sorted() == Array(0..<1000))
    #expect(three.train == three.train.sorted())
  }

  @Test func theSideOfASongDependsOnSeedAndSongsAloneNotOnTheirOrder() throws {
    for rule in ["random:0.8/0.1/0.1", "artist:0.8/0.1/0.1"] {
      let first = try split(rule)
      #expect(first == (try split(rule)))
      #expect(first != (try split(rule, seed: 2)))
      var stream = RandomStream(seed: 5, purpose: .test)
      let order = stream.permutation(1000)
      let shuffled = try Split(
        SplitRule(rule),
        of: SplitSongs(trackIDs: order.map { trackIDs[$0] }, artistIDs: order.map { artistIDs[$0] }), seed: 1)
      #expect(shuffled.validation.map { order[$0] }.sorted() == first.validation)
      #expect(shuffled.test.map { order[$0] }.sorted() == first.test)
    }
  }

  @Test func artistSplitKeepsAnArtistOnOneSideAndItsSharesNearly() throws {
    for seed in 1...20 {
      let sides = try split("artist:0.8/0.1/0.1", seed: UInt64(seed))
      #expect((sides.train + sides.validation + sides.test).sorted() == Array(0..<1000))
      let artists = [sides.train, sides.validation, sides.test].map { Set($0.map { artistIDs[$0] }) }
      #expect(artists[0].isDisjoint(with: artists[1]))
      #expect(artists[0].isDisjoint(with: artists[2]))
      #expect(artists[1].isDisjoint(with: artists[2]))
      #expect(abs(sides.train.count - 800) <= 10)
      #expect(abs(sides.validation.count - 100) <= 10)
    }
  }

  @Test func foldsHoldEverySongOnceArtistsWholeAndAreOfLikeSize() throws {
    let folds = try (1...5).map { try split("artist-folds:\($0)/5") }
    #expect(folds.flatMap(\.validation).sorted() == Array(0..<1000))
    for fold in folds {
      #expect((fold.train + fold.validation).sorted() == Array(0..<1000) && fold.test.isEmpty)
      #expect(abs(fold.validation.count - 200) <= 10)
      #expect(Set(fold.train.map { artistIDs[$0] }).isDisjoint(with: fold.validation.map { artistIDs[$0] }))
    }
    #expect(try split("artist-folds:2/5") == folds[1])
    #expect(try split("artist-folds:2/5", seed: 2) != folds[1])
    let rule = try SplitRule("artist-folds:2/5")
    #expect(try SplitRule(rule.description) == rule && rule.isByArtist)
  }

  @Test func foldsThatCannotBeAreRefused() {
    for text in ["artist-folds:0/5", "artist-folds:6/5", "artist-folds:1/1", "artist-folds:2", "artist-folds:a/b"]
    {
      #expect(throws: Failure.self) { try SplitRule(text) }
    }
    let few = SplitSongs(trackIDs: ["TR1", "TR2", "TR3"], artistIDs: ["AR1", "AR1", "AR2"])
    #expect(throws: Failure.self) { try Split(SplitRule("artist-folds:1/3"), of: few, seed: 1) }
  }

  @Test func fewSongsStillGiveEachSideOne() throws {
    for count in 3...12 {
      let ids = Array(trackIDs.prefix(count))
      let songs = SplitSongs(trackIDs: ids, artistIDs: ids)
      let sides = try Split(SplitRule("random:0.8/0.1/0.1"), of: songs, seed: 9)
      #expect(sides.train.count + sides.validation.count + sides.test.count == count)
      #expect(!sides.train.isEmpty && !sides.validation.isEmpty && !sides.test.isEmpty)
    }
    let one = try Split(SplitRule("random:0.95"), of: SplitSongs(trackIDs: ["a"], artistIDs: ["a"]), seed: 9)
    #expect((one.train, one.validation) == ([0], []))
    let failure = #expect(throws: Failure.self) {
      try Split(SplitRule("random:0.95"), of: SplitSongs(trackIDs: [], artistIDs: []), seed: 9)
    }
    #expect(failure?.kind == .badData)
  }

  /// What earlier versions of the program gave: checkpoints know their split by it.
  @Test func aSplitStaysWhatItWasForItsSeed() throws {
    let random = try split("random:0.8/0.1/0.1", seed: 7)
    #expect(Array(random.validation.prefix(8)) == [9, 13, 34, 44, 53, 60, 65, 66])
    let artist = try split("artist:0.8/0.1/0.1", seed: 7)
    #expect(Array(artist.validation.prefix(8)) == [0, 6, 39, 43, 47, 48, 53, 67])
  }

  @Test(arguments: [
    "", "random", "random:", "random:0", "random:1.2", "random:a", "random:0.8/0.1", "random:0.8/0.1/0.2",
    "artist:0.5/0.5/0/0", "files:a", "files:a,,b", "banana:0.5", "stratified:", "stratified:2", "track-lists:a",
    "artist-lists:a,b,c,d", "artist-lists:a,1.5,b", "artist-lists:a,0,b", "artist-track-lists:a,",
  ]) func refusesARuleThatIsNone(text: String) {
    #expect(#expect(throws: Failure.self) { try SplitRule(text) }?.kind == .usage)
  }

  @Test(arguments: [
    "random:0.95", "random:0.8/0.1/0.1", "artist:0.8/0.1/0.1", "random:0.75/0.25", "stratified:0.8/0.1/0.1",
    "stratified-artist:0.95", "track-lists:a,b", "artist-lists:a/x,0.05,b/y", "artist-track-lists:a,b,c",
  ]) func aRulesTextReadsBackAsTheRule(text: String) throws {
    #expect(try SplitRule(SplitRule(text).description) == SplitRule(text))
  }

  @Test func filesIsAnotherNameOfTrackLists() throws {
    #expect(try SplitRule("files:a,b,c") == SplitRule("track-lists:a,b,c"))
  }
}
