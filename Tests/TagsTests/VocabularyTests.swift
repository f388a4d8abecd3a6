import Diagnosis
import Tags
import TestFolders
import Testing
import TrackFiles

@Suite struct VocabularyTests {
  @Test func thePapersTagsAreFiftyInTheirOrder() {
    #expect(Vocabulary.paper.count == 50)
    #expect(
      Vocabulary.paper.names.prefix(8) == [
        "rock", "pop", "alternative", "indie", "electronic", "female vocalists", "favorites", "Love",
      ])
    #expect(Vocabulary.paper.names.last == "catchy")
    #expect(Vocabulary.paper.index(of: "Hip-Hop") == 43)
    #expect(Set(Vocabulary.paper.names).count == 50)
  }

  @Test func matchesExactlyByCaseAndByBytes() throws {
    let vocabulary = try Vocabulary(["Hip-Hop", "caf\u{e9}"])
    #expect(vocabulary.index(of: "hip-hop") == nil)
    #expect(vocabulary.index(of: "caf\u{e9}") == 1)
    // The same letters to the eye, two code points instead of one.
    #expect(vocabulary.index(of: "cafe\u{301}") == nil)
  }

  @Test func aTagCountsFromItsLeastWeightOn() throws {
    let vocabulary = try Vocabulary(["rock", "pop", "jazz"])
    let tags = [
      WeightedTag(name: "pop", weight: 0), WeightedTag(name: "jazz", weight: 49),
      WeightedTag(name: "x", weight: 100),
    ]
    #expect(vocabulary.labels(of: tags, minimumWeight: 0) == [0, 1, 1])
    #expect(vocabulary.labels(of: tags, minimumWeight: 49) == [0, 0, 1])
    #expect(vocabulary.labels(of: tags, minimumWeight: 50) == [0, 0, 0])
  }

  @Test func readsAListWithOneTagALine() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write("rock\r\n\nfemale vocalists\n#1 hits\n", to: "tags.txt")
    #expect(try Vocabulary(listAt: path).names == ["rock", "female vocalists", "#1 hits"])
  }

  @Test(arguments: [("", "found no tag"), ("rock\npop\nrock\n", "tag 3, \"rock\", is the same as tag 1")])
  func refusesABadList(text: String, message: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(text, to: "tags.txt")
    let failure = #expect(throws: Failure.self) { try Vocabulary(listAt: path) }
    #expect(failure?.kind == .badData)
    #expect(failure?.message.contains(message) == true)
    #expect(failure?.message.contains(path) == true)
  }

  @Test func aMissingListIsMissingInput() {
    let failure = #expect(throws: Failure.self) { try Vocabulary(listAt: "/none/tags.txt") }
    #expect(failure?.kind == .missingInput)
  }

  @Test func readsTheRule() throws {
    #expect(try VocabularyRule("paper") == .paper)
    #expect(try VocabularyRule("top:20") == .top(20))
    #expect(try VocabularyRule("tags.txt") == .list("tags.txt"))
    for text in ["top:", "top:0", "top:many", "top:65537"] {
      let failure = #expect(throws: Failure.self) { try VocabularyRule(text) }
      #expect(failure?.kind == .usage)
    }
  }
}
