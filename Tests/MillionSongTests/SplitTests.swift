import Diagnosis
import MillionSong
import RandomNumbers
import Testing

@Suite struct SplitTests {
  private let trackIDs = (0..<1000).map { "TR" + String(repeating: "A", count: 5) + String(100_000_000_00 + $0) }
  /// 200 artists of 1 to 9 songs.
  private var artistIDs: [String] { (0..<1000).map { "AR\(($0 * $0) % 211)" } }

  private func split(_ rule: String, seed: UInt64 = 1) throws -> Split {
    try Split(SplitRule(rule), trackIDs: trackIDs, artistIDs: artistIDs, seed: seed)
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
        SplitRule(rule), trackIDs: order.map { trackIDs[$0] }, artistIDs: order.map { artistIDs[$0] }, seed: 1)
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

  @Test func theLeakCheckNamesAnArtistOnTwoSides() throws {
    let leaking = Split(train: [0, 1], validation: [2], test: [])
    let failure = #expect(throws: Failure.self) {
      try leaking.checkNoArtistOnTwoSides(artistIDs: ["AR1", "AR2", "AR1"])
    }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains("AR1") == true)
    try leaking.checkNoArtistOnTwoSides(artistIDs: ["AR1", "AR1", "AR2"])
  }

  @Test func fewSongsStillGiveEachSideOne() throws {
    for count in 3...12 {
      let ids = Array(trackIDs.prefix(count))
      let sides = try Split(SplitRule("random:0.8/0.1/0.1"), trackIDs: ids, artistIDs: ids, seed: 9)
      #expect(sides.train.count + sides.validation.count + sides.test.count == count)
      #expect(!sides.train.isEmpty && !sides.validation.isEmpty && !sides.test.isEmpty)
    }
    let one = try Split(SplitRule("random:0.95"), trackIDs: ["a"], artistIDs: ["a"], seed: 9)
    #expect((one.train, one.validation) == ([0], []))
    let failure = #expect(throws: Failure.self) {
      try Split(SplitRule("random:0.95"), trackIDs: [], artistIDs: [], seed: 9)
    }
    #expect(failure?.kind == .badData)
  }

  @Test func listsOfTracksDecideTheSides() throws {
    let folder = try TemporaryFolder()
    let train = try folder.write("\(trackIDs[5])\n\n\(trackIDs[3])\tnote\r\n", to: "train.txt")
    let validation = try folder.write("\(trackIDs[7])\nTRZZZZZ128F429CF47\n", to: "validation.txt")
    let sides = try split("files:\(train),\(validation)")
    #expect((sides.train, sides.validation, sides.test) == ([3, 5], [7], []))
    #expect(sides.unused.count == 997)

    let twice = try folder.write("\(trackIDs[3])\n", to: "test.txt")
    let failure = #expect(throws: Failure.self) { try split("files:\(train),\(validation),\(twice)") }
    #expect(failure?.message.contains(trackIDs[3]) == true)
    let bad = try folder.write("nonsense\n", to: "bad.txt")
    #expect(throws: Failure.self) { try split("files:\(train),\(bad)") }
    #expect(#expect(throws: Failure.self) { try split("files:\(train),none") }?.kind == .missingInput)
  }

  @Test(arguments: [
    "", "random", "random:", "random:0", "random:1.2", "random:a", "random:0.8/0.1", "random:0.8/0.1/0.2",
    "artist:0.5/0.5/0/0", "files:a", "files:a,,b", "banana:0.5",
  ]) func refusesARuleThatIsNone(text: String) {
    #expect(#expect(throws: Failure.self) { try SplitRule(text) }?.kind == .usage)
  }

  @Test(arguments: ["random:0.95", "random:0.8/0.1/0.1", "artist:0.8/0.1/0.1", "random:0.75/0.25", "files:a,b"])
  func aRulesTextReadsBackAsTheRule(text: String) throws {
    let rule = try SplitRule(text)
    #expect(try SplitRule(rule.description) == rule)
  }
}
