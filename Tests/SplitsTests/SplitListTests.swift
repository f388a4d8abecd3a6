import Diagnosis
import Splits
import TestFolders
import TestTracks
import Testing
import Texts

@Suite struct SplitListTests {
  private static func track(_ number: Int) -> String { TestSongs.trackID(number) }

  /// Ten songs of five artists, two each.
  private let songs = SplitSongs(
    trackIDs: (0..<10).map(track), artistIDs: (0..<10).map { "AR\($0 / 2)" },
    artistNames: (0..<10).map { "Artist \($0 / 2)" })

  private func split(_ rule: String, seed: UInt64 = 1) throws -> Split {
    try Split(SplitRule(rule), of: songs, seed: seed)
  }

  private func sides(_ split: Split) -> [[Int]] { split.sides.map(\.songs) + [split.unused] }

  @Test(arguments: ["files", "track-lists"]) func listsOfTracksDecideTheSides(form: String) throws {
    let folder = try TemporaryFolder()
    let train = try folder.write("\(Self.track(5))\n\n\(Self.track(3))\tnote\r\n", to: "train.txt")
    let validation = try folder.write(
      "\(Self.track(7))<SEP>SOX<SEP>Artist<SEP>Title\nTRZZZZZ128F429CF47\n", to: "v.txt")
    let found = try split("\(form):\(train),\(validation)")
    #expect(sides(found) == [[3, 5], [7], [], [0, 1, 2, 4, 6, 8, 9]])
    #expect(found.lists?.files.map(\.unknown) == [0, 1])
    let warnings = try found.warnings(SplitRule("\(form):\(train),\(validation)"), songs)
    #expect(warnings.contains { $0.contains("7 of 10 songs are in no list") })
    #expect(warnings.contains { $0.contains("v.txt: 1 of its 2 tracks") })

    let test = try folder.write(Self.track(0), to: "test.txt")
    let three = try split("\(form):\(train),\(validation),\(test)")
    #expect(sides(three) == [[3, 5], [7], [0], [1, 2, 4, 6, 8, 9]])
  }

  @Test func listsOfArtistsAsPublishedDecideTheSides() throws {
    let folder = try TemporaryFolder()
    let train = try folder.write(
      "\u{FEFF}AR0\r\nAR1<SEP>mbid<SEP>TRX<SEP>Name\nAR3\nAR3\n", to: "artists_train.txt")
    let test = try folder.write("AR2\n  AR9\n", to: "artists_test.txt")
    let found = try split("artist-lists:\(train),\(test)")
    #expect(sides(found) == [[0, 1, 2, 3, 6, 7], [4, 5], [], [8, 9]])
    #expect(found.lists?.files.map(\.ids) == [3, 2])
    #expect(found.lists?.files.map(\.unknown) == [0, 1])
  }

  @Test func aShareOfTheTrainingArtistsIsDrawnFromTheListAlone() throws {
    let folder = try TemporaryFolder()
    let train = try folder.write("AR0\nAR1\nAR2\nAR3\n", to: "train.txt")
    let test = try folder.write("AR4\n", to: "test.txt")
    let rule = "artist-lists:\(train),0.25,\(test)"
    let found = try split(rule)
    #expect((found.train.count, found.validation.count, found.test) == (6, 2, [8, 9]))
    #expect(found == (try split(rule)))
    #expect(Set((1...20).map { try! split(rule, seed: $0).validation }).count == 4)
    // Fewer songs leave the others where they were.
    let few = SplitSongs(trackIDs: Array(songs.trackIDs[2...]), artistIDs: Array(songs.artistIDs[2...]))
    let fewer = try Split(SplitRule(rule), of: few, seed: 1)
    #expect(fewer.validation.map { $0 + 2 } == found.validation.filter { $0 >= 2 })
  }

  @Test func anIdInTwoListsIsAnErrorThatNamesIt() throws {
    let folder = try TemporaryFolder()
    let train = try folder.write("AR0\nAR1\n", to: "train.txt")
    let test = try folder.write("AR2\nAR1\n", to: "test.txt")
    let failure = #expect(throws: Failure.self) { try split("artist-lists:\(train),0.5,\(test)") }
    #expect(failure?.kind == .badData)
    for word in ["AR1", train, test] { #expect(failure?.message.contains(word) == true) }
    let tracks = try folder.write(Self.track(3), to: "tracks.txt")
    let twice = #expect(throws: Failure.self) { try split("track-lists:\(tracks),\(tracks)") }
    #expect(twice?.message.contains(Self.track(3)) == true)
  }

  @Test func trackListsThatClaimToKeepArtistsApartAreHeldToIt() throws {
    let folder = try TemporaryFolder()
    let train = try folder.write([0, 1, 2].map(Self.track).joined(separator: "\n"), to: "train.txt")
    let leaking = try folder.write([3, 4].map(Self.track).joined(separator: "\n"), to: "leaking.txt")
    let failure = #expect(throws: Failure.self) { try split("artist-track-lists:\(train),\(leaking)") }
    #expect(failure?.kind == .badData)
    for word in ["AR1", "Artist 1", Self.track(2), Self.track(3)] {
      #expect(failure?.message.contains(word) == true)
    }
    // The plain form says so and goes on.
    let plain = "track-lists:\(train),\(leaking)"
    #expect(try split(plain).warnings(SplitRule(plain), songs).contains { $0.contains("AR1") })
    let sound = try folder.write([4, 5].map(Self.track).joined(separator: "\n"), to: "sound.txt")
    #expect(try split("artist-track-lists:\(train),\(sound)").validation == [4, 5])
  }

  @Test func theLeakCheckTakesSongsWithoutAnArtistForOneArtists() throws {
    let unnamed = SplitSongs(trackIDs: ["a", "b", "c"], artistIDs: ["", "AR1", ""])
    #expect(throws: Failure.self) {
      try Split(train: [0], validation: [1, 2], test: []).checkNoArtistOnTwoSides(unnamed)
    }
    try Split(train: [0, 2], validation: [1], test: []).checkNoArtistOnTwoSides(unnamed)
    let split = try Split(SplitRule("artist:0.5"), of: unnamed, seed: 3)
    #expect(split.train == [0, 2] || split.validation == [0, 2])
  }

  @Test func aNameUnderTwoIdsOnTwoSidesIsCounted() throws {
    var named = songs
    named.artistNames = PackedTexts(Array(songs.artistNames[..<8]) + ["ARTIST 0 ", ""])
    let split = Split(train: Array(0..<8), validation: [8, 9], test: [])
    let warnings = split.warnings(try SplitRule("artist:0.8"), named)
    #expect(warnings.count == 1)
    #expect(warnings[0].contains("1 artist name") && warnings[0].contains("AR0") && warnings[0].contains("AR4"))
    #expect(split.warnings(try SplitRule("artist:0.8"), songs).isEmpty)
  }

  @Test func theHashChangesWithTheIdsAndWithNothingElse() throws {
    let folder = try TemporaryFolder()
    let test = try folder.write("AR2\n", to: "test.txt")
    func hash(_ text: String) throws -> String? {
      let train = try folder.write(text, to: "train.txt")
      return try split("artist-lists:\(train),\(test)").lists?.hash
    }
    let first = try hash("AR0\nAR1\n")
    #expect(first?.count == 16)
    #expect(try hash("AR0\r\n\nAR1<SEP>x") == first)
    #expect(try hash("AR0\nAR1\nAR9\n") != first)
  }

  @Test(arguments: [("nonsense\n", "line 1"), ("\n\n", "empty"), ("AR0\nTRAAABD128F429CF47\n", "line 2")])
  func aListThatIsNoneIsRefused(text: String, word: String) throws {
    let folder = try TemporaryFolder()
    let list = try folder.write(text, to: "list.txt")
    let failure = #expect(throws: Failure.self) { try split("artist-lists:\(list),0.5") }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains(word) == true)
    let missing = #expect(throws: Failure.self) { try split("artist-lists:\(folder.path)/none,0.5") }
    #expect(missing?.kind == .missingInput)
  }
}
